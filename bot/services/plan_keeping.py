"""What becomes of a plan that was made: its files, its log, its release if nothing has to change, and its record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.model import FailureClass, PlanStatus, Run, RunStatus, StateIdentity
from bot.domain.plan import PlanRecord, PlanSummary
from bot.domain.plan_json import summarise
from bot.domain.redaction import Redactor
from bot.domain.revert import Revert
from bot.domain.sensitive import sensitive_values
from bot.policy import RepoPolicy
from bot.ports import Cipher, Clock, ObjectStore, PlanOutput, Records, Slot, TerraformJob, Workspace
from bot.services.ids import new_plan_id
from bot.services.jobs import RunLogs
from bot.services.plan_records import Planned, counts_line, plan_sha256
from bot.services.releasing import InPlace, Made, Sources, is_release_as_it_stands, release_of
from bot.services.stopwatch import together
from bot.services.verifying import queue_verification


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanKeeping:
    """Keeps plans, whether of a pull request's code or of a way back."""

    records: Records
    workspace: Workspace
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    sources: Sources
    logs: RunLogs

    async def keep(
        self,
        run: Run,
        job: TerraformJob,
        redactor: Redactor,
        output: PlanOutput,
        identity: StateIdentity,
    ) -> Planned:
        """Summarise and store what Terraform has planned against a state."""
        plan_id = new_plan_id()
        bundle_key = f"plans/{run.stack.repo}/{plan_id}"
        # The log ends with the plan's text, so it is stored after the summary, but beside the rest.
        secrets = await asyncio.to_thread(sensitive_values, output.json)
        (summary, log_key), sha256 = await together(
            self._summarise(run, output, redactor, secrets), self._keep(bundle_key, job.slot, output, secrets)
        )
        return Planned(
            id=plan_id,
            slot_name=job.slot.name,
            identity=identity,
            summary=summary,
            plan_sha256=sha256,
            bundle_key=bundle_key,
            log_key=log_key,
            fetched=output.fetched,
        )

    async def _summarise(
        self, run: Run, output: PlanOutput, redactor: Redactor, secrets: set[str]
    ) -> tuple[PlanSummary, str]:
        """Return the summary, and the key of the log, which ends with it."""
        summary = await asyncio.to_thread(
            summarise,
            output.json,
            output.text,
            arguments=run.arguments,
            warnings=output.warnings,
            redact=redactor,
            secrets=secrets,
        )
        # Terraform prints the plan while it is made, before anybody knows which of its values are secret.
        await self.logs.cleanse(run.id, redactor.with_more(secrets))
        self.logs.open(run.id).write(summary.text)
        return summary, await self.logs.store(run.id)

    async def _keep(self, key: str, slot: Slot, output: PlanOutput, secrets: set[str]) -> str:
        """Store the plan file and the slot; returns the plan file's SHA-256."""
        plan_file = await asyncio.to_thread(output.plan_file.read_bytes)
        known = json.dumps(sorted(secrets)).encode()
        files = together(self._seal(f"{key}/plan", plan_file), self._seal(f"{key}/secrets", known))
        await together(files, self._keep_slot(f"{key}/work", slot))
        return plan_sha256(plan_file)

    async def _keep_slot(self, key: str, slot: Slot) -> None:
        await self._seal(key, await self.workspace.pack(slot))

    async def _seal(self, key: str, data: bytes) -> None:
        sealed = await asyncio.to_thread(self.cipher.seal, data, context=key)
        await self.artifacts.put(key, sealed, create_only=True)

    async def in_place(
        self,
        run: Run,
        policy: RepoPolicy,
        record: PlanRecord,
        planned: Planned,
        *,
        slot: Slot,
        output: PlanOutput,
    ) -> InPlace | None:
        """Return the release that a plan without changes has found in place."""
        if not is_release_as_it_stands(record, policy):
            return None
        made = Made(
            run=run,
            source=await self.sources.keep(slot),
            state=planned.identity,
            outputs=output.json.get("planned_values", {}).get("outputs", {}),
            changed=False,
        )
        release = release_of(record, made, record.created_at)
        return InPlace(release=release, policy=policy)

    async def store(
        self,
        run: Run,
        record: PlanRecord,
        found: InPlace | None,
        detail: Mapping[str, Any],
        *,
        revert: Revert | None = None,
    ) -> None:
        """Record a plan, with the revert that it is of; older ones of the same kind are replaced by it."""
        async with self.records.write() as writer:
            if not await writer.set_result(run.id, summary=counts_line(record), detail=detail):
                return
            for older in await writer.plan_outlines(
                repo=run.stack.repo,
                pull=run.pull,
                stack=run.stack,
                statuses=(PlanStatus.PLANNED, PlanStatus.NO_CHANGES),
            ):
                if older.lane is record.lane:
                    await writer.set_plan_status(older.id, PlanStatus.STALE, f"replaced by {record.id}")
            await writer.add_plan(record)
            if revert is not None:
                await writer.set_revert(replace(revert, plan_id=record.id))
            if found is not None:
                await writer.add_release(found.release)
                await queue_verification(writer, run, found.release, found.policy, self.clock.now())
            await writer.move_run(
                run.id,
                RunStatus.SUCCEEDED,
                at=self.clock.now(),
                actor="gatewright",
                why="plan stored",
                plan_id=record.id,
            )

    async def end(
        self, run: Run, status: RunStatus, failure: FailureClass, summary: str, detail: Mapping[str, Any]
    ) -> None:
        """Record that there is no plan, and why."""
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)
        async with self.records.write() as writer:
            await writer.set_result(run.id, summary=summary, detail=detail)
            await writer.move_run(
                run.id, status, at=self.clock.now(), actor="gatewright", why=summary, failure_class=failure
            )
