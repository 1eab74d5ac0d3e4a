"""Storing what a plan needs for its apply, and reading it back."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.errors import IntegrityError, ObjectMissingError
from bot.domain.plan import PlanRecord
from bot.ports import Cipher, ObjectStore
from bot.ports.terraform import FetchedCode

LAYOUT: Final = 2
"""Version of what is stored with a plan; version 1 packed the working directory, whatever code had written there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is stored with a plan."""

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


async def store_parts(artifacts: ObjectStore, cipher: Cipher, bundle_key: str, parts: Parts) -> None:
    """Store what an apply needs, and under `parts` what that is."""
    named = parts.named()
    listed = {
        "layout": LAYOUT,
        "fetched": parts.code.digest,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in named.items()},
    }
    async with asyncio.TaskGroup() as group:
        for name, data in {**named, "parts": json.dumps(listed).encode()}.items():
            group.create_task(seal(artifacts, cipher, f"{bundle_key}/{name}", data))


async def open_parts(artifacts: ObjectStore, cipher: Cipher, plan: PlanRecord) -> Parts:
    """Return what a plan was stored with. Raises IntegrityError when it is not what was stored."""
    listed = await _listed(artifacts, cipher, plan)
    named = {name: await open_stored(artifacts, cipher, plan, name) for name in listed["sha256"]}
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


async def open_stored(artifacts: ObjectStore, cipher: Cipher, plan: PlanRecord, name: str) -> bytes:
    """Return one object that is stored with a plan; IntegrityError when it is not what was sealed."""
    key = f"{plan.bundle_key}/{name}"
    sealed = await artifacts.get(key)
    return await asyncio.to_thread(cipher.open, sealed, context=key)


async def seal(artifacts: ObjectStore, cipher: Cipher, key: str, data: bytes) -> None:
    """Store an object encrypted, under a key that nothing has yet."""
    sealed = await asyncio.to_thread(cipher.seal, data, context=key)
    await artifacts.put(key, sealed, create_only=True)


async def _listed(artifacts: ObjectStore, cipher: Cipher, plan: PlanRecord) -> dict[str, Any]:
    try:
        listed = json.loads(await open_stored(artifacts, cipher, plan, "parts"))
    except ObjectMissingError as error:
        raise IntegrityError(
            f"plan {plan.id} was stored by an earlier version of Gatewright, which did not keep the reviewed files"
            " apart from what ran beside them"
        ) from error
    if listed["layout"] != LAYOUT:
        raise IntegrityError(f"plan {plan.id} was stored by another version of Gatewright")
    found: dict[str, Any] = listed
    return found
