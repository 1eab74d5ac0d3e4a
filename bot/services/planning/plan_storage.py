"""What becomes of a plan that was made.

Its files, its log, its release if nothing has to change, and its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import IntegrityError
from bot.domain.core.model import PlanStatus, Run, RunStatus, StateIdentity
from bot.domain.plans.plan import PlanRecord, PlanSummary
from bot.domain.plans.plan_json import summarise
from bot.domain.releases.revert import Revert
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import sensitive_values
from bot.domain.trees.selection import LOCK_FILE
from bot.policy import RepoPolicy
from bot.ports import (
    Clock,
    LeftBehind,
    PlanOutput,
    Records,
    ReviewedTree,
    TerraformJob,
    Workspace,
)
from bot.services.planning.plan_records import Planned, counts_line, plan_sha256
from bot.services.planning.sealed_plans import Parts, SealedPlans
from bot.services.runs.ids import new_plan_id
from bot.services.runs.run_logs import RunLogs
from bot.services.runs.stopwatch import together
from bot.services.stacks.releases import InPlace, Made, Sources, is_release_as_it_stands, release_of
from bot.services.verification.verifying import queue_verification


def lock_files(output: PlanOutput) -> dict[str, str]:
    """Return path -> text of the provider lock file, which belongs to the tree that was planned."""
    return {
        path: text for path, text in output.written.items() if text is not None and path.endswith(LOCK_FILE)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStorage:
    """Keeps plans, whether of a pull request's code or of a way back."""

    records: Records
    workspace: Workspace
    plans: SealedPlans
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
        *,
        reviewed: ReviewedTree,
        left: LeftBehind,
    ) -> Planned:
        """Summarise and store what Terraform has planned of a tree against a state."""
        plan_id = new_plan_id()
        bundle_key = f"plans/{run.stack.repo}/{plan_id}"
        # The log ends with the plan's text, so it is stored after the summary, but beside the rest.
        secrets = await asyncio.to_thread(sensitive_values, output.json)
        (summary, log_key), work = await together(
            self._summarise(run, output, redactor, secrets),
            self._keep(bundle_key, output, reviewed, left, secrets),
        )
        return Planned(
            id=plan_id,
            slot_name=job.slot.name,
            identity=identity,
            summary=summary,
            plan_sha256=output.sha256,
            bundle_key=bundle_key,
            log_key=log_key,
            work=work,
            fetched=output.fetched,
            added=left.added,
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

    async def _keep(
        self, key: str, output: PlanOutput, reviewed: ReviewedTree, left: LeftBehind, secrets: set[str]
    ) -> bytes:
        """Store the files that the apply needs; returns the packed tree."""
        plan_file = await asyncio.to_thread(output.plan_file.read_bytes)
        if plan_sha256(plan_file) != output.sha256:
            raise IntegrityError("the plan file has changed after it was copied")
        work = await self.workspace.pack(reviewed, extra=lock_files(output))
        parts = Parts(plan_file=plan_file, work=work, added=left.bundle, code=output.code)
        await self.plans.store(key, parts, secrets)
        return work

    async def in_place(
        self,
        run: Run,
        policy: RepoPolicy,
        record: PlanRecord,
        planned: Planned,
        *,
        output: PlanOutput,
    ) -> InPlace | None:
        """Return the release that a plan without changes has found in place."""
        if not is_release_as_it_stands(record, policy):
            return None
        made = Made(
            run=run,
            source=await self.sources.keep(planned.work),
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
        """Record a plan, with the revert that it is of.

        Older ones of the same kind are replaced by it.
        """
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
                actor=SELF,
                why="plan stored",
                plan_id=record.id,
            )
