"""Store a plan with the files that its apply needs, and read them back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.core.errors import IntegrityError, ObjectMissingError
from bot.domain.plans.plan import PlanRecord
from bot.ports import SealedObjects
from bot.ports.terraform import FetchedCode

LAYOUT: Final = 2
"""Format version of stored plans; version 1 packed the whole working directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The stored objects of a plan."""

    plan_file: bytes = field(repr=False)
    work: bytes = field(repr=False)
    """The reviewed tree, packed from git's objects, and the provider lock file that `init` wrote."""
    added: bytes | None = field(repr=False)
    """Files that the plan left in its directory, for its own apply."""
    code: FetchedCode

    def named(self) -> dict[str, bytes]:
        """Return name of the object -> content."""
        found = {"plan": self.plan_file, "work": self.work, "added": self.added, "modules": self.code.modules}
        return {name: data for name, data in found.items() if data is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPlans:
    """The objects that are stored with plans."""

    objects: SealedObjects

    async def store(self, bundle_key: str, parts: Parts, secrets: Collection[str]) -> None:
        """Store what an apply needs, its digests under `parts`, and the plan's secrets."""
        named = parts.named()
        listed = {
            "layout": LAYOUT,
            "fetched": parts.code.digest,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in named.items()},
        }
        written = {
            **named,
            "parts": json.dumps(listed).encode(),
            "secrets": json.dumps(sorted(secrets)).encode(),
        }
        async with asyncio.TaskGroup() as group:
            for name, data in written.items():
                group.create_task(self.objects.create(f"{bundle_key}/{name}", data))

    async def parts(self, plan: PlanRecord) -> Parts:
        """Return the stored objects of a plan. Raises IntegrityError if they were changed."""
        listed = await self._listed(plan)
        named = {name: await self.part(plan, name) for name in listed["sha256"]}
        for name, data in named.items():
            if hashlib.sha256(data).hexdigest() != listed["sha256"][name]:
                raise IntegrityError(
                    f"plan {plan.id}: the stored part `{name}` is not the one that was stored with it"
                )
        if hashlib.sha256(named["plan"]).hexdigest() != plan.plan_sha256:
            raise IntegrityError(f"plan {plan.id}: the stored plan file is not the one that was reviewed")
        return Parts(
            plan_file=named["plan"],
            work=named["work"],
            added=named.get("added"),
            code=FetchedCode(digest=listed["fetched"], modules=named.get("modules")),
        )

    async def part(self, plan: PlanRecord, name: str) -> bytes:
        """Return one stored object of a plan. Raises IntegrityError if it was changed."""
        return await self.objects.get(f"{plan.bundle_key}/{name}")

    async def secrets(self, plan: PlanRecord) -> list[str]:
        """Return the sensitive values that a plan holds.

        Terraform may print them when it is applied.
        """
        found: list[str] = json.loads(await self.part(plan, "secrets"))
        return found

    async def _listed(self, plan: PlanRecord) -> dict[str, Any]:
        try:
            listed = json.loads(await self.part(plan, "parts"))
        except ObjectMissingError as error:
            raise IntegrityError(
                f"plan {plan.id} was stored by an earlier version of Gatewright, which did not keep the reviewed files"
                " apart from what ran beside them"
            ) from error
        if listed["layout"] != LAYOUT:
            raise IntegrityError(f"plan {plan.id} was stored by another version of Gatewright")
        found: dict[str, Any] = listed
        return found
