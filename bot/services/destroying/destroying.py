"""Execute a destroy of what a pull request applied in its environment.

It uses the stored tree of the last apply, because the branch may be gone or changed by then. After a crash,
the rules of an apply hold.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.core.errors import ObjectMissingError
from bot.domain.core.model import PlanStatus, Run, RunId, RunStatus
from bot.domain.plans.plan import PlanRecord
from bot.domain.secrets.redaction import Redactor
from bot.domain.secrets.sensitive import sensitive_values
from bot.policy import RepoPolicy
from bot.ports import (
    GitHub,
    LeftBehind,
    PlanMode,
    PlanOutput,
    Records,
    Slot,
    SourceBundle,
    TerraformJob,
    Workspace,
    Writer,
)
from bot.services.applying.changes import Change, Changes
from bot.services.planning.existing_states import ExistingStates
from bot.services.planning.sealed_plans import SealedPlans
from bot.services.runs.credentials import ModuleAccess
from bot.services.runs.plan_inputs import Inputs
from bot.services.runs.requests import OPEN_PLANS
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_logs import RunLogs
from bot.services.runs.terraform_results import change_detail, ended
from bot.services.runs.tree_runs import plan_tree
from bot.services.stacks import locking
from bot.services.stacks.lifecycles import refuse_to_destroy
from bot.services.stacks.policies import Policies
from bot.services.stacks.state_owners import StateOwners

BEGUN = (PlanStatus.APPLIED, PlanStatus.FAILED, PlanStatus.APPLYING)
"""Plans of which something may exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """Inputs of a destroy."""

    run: Run
    plan: PlanRecord
    """The last plan of which something may exist."""
    policy: RepoPolicy
    work: bytes
    """The packed tree of that plan."""
    modules: bytes | None
    """The modules that it was made with; None where it had none from elsewhere."""
    access: ModuleAccess
    inputs: Inputs
    slot: Slot
    key_fd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroying:
    """Destroys the resources that a pull request applied."""

    records: Records
    github: GitHub
    workspace: Workspace
    changes: Changes
    plans: SealedPlans
    policies: Policies
    owners: StateOwners
    existing: ExistingStates
    completion: RunCompletion
    logs: RunLogs

    async def execute(self, run_id: RunId) -> None:
        """Destroy, and record how it ended. One whose intent is on record is never started again."""
        await self.changes.execute(run_id, self._destroy, why="planning the destroy")

    async def _destroy(self, run: Run) -> None:
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True) as key_fd:
            plan = await self._last_begun(run)
            if plan is None:
                await self._end_well(
                    run, {"destroyed": 0}, "Nothing was applied here, so there is nothing to destroy."
                )
                return
            await self.owners.claim(plan.stack)
            policy = (await self.policies.load(await self.github.repository(run.stack.repo))).policy
            refuse_to_destroy(policy, plan.stack)
            work = await self.plans.part(plan, "work")
            redactor, inputs = await self.changes.known(plan, policy, work)
            await self.existing.of_bundle(plan.stack, plan.engine.partition(" ")[0], work)
            modules = await self._modules(plan)
            access = await self.changes.jobs.credentials.module_access(run.stack.repo)
            async with self.workspace.slot(plan.stack, name=plan.slot) as slot:
                ground = _Ground(
                    run=run,
                    plan=plan,
                    policy=policy,
                    work=work,
                    modules=modules,
                    access=access,
                    inputs=inputs,
                    slot=slot,
                    key_fd=key_fd,
                )
                await self._in_slot(ground, redactor)

    async def _in_slot(self, ground: _Ground, redactor: Redactor) -> None:
        run, slot, reviewed = ground.run, ground.slot, SourceBundle(data=ground.work)
        laid = await self.workspace.lay_out(slot, reviewed)
        job = await self._job(ground, redactor)
        # Planning dies with the server; only the apply must outlive it.
        planning = replace(job, keep_fds=(), dies_with_parent=True)
        planned, left = await plan_tree(
            self.workspace, self.changes.terraform, planning, reviewed, laid, mode=PlanMode.DESTROY
        )
        secrets = await asyncio.to_thread(sensitive_values, planned.json)
        redactor = redactor.with_more(secrets)
        await self.logs.cleanse(run.id, redactor)
        # Code ran in the directory, so the apply starts from the stored tree again.
        await self.workspace.lay_out(slot, reviewed)
        await self._apply(ground, await self._job(ground, redactor), planned, left)

    async def _job(self, ground: _Ground, redactor: Redactor) -> TerraformJob:
        job = await self.changes.job(
            ground.run,
            ground.plan,
            ground.policy,
            ground.slot,
            redactor,
            inputs=ground.inputs,
            key_fd=ground.key_fd,
            access=ground.access,
        )
        # What their addresses give now was not reviewed, and would run with the keys of an apply.
        return replace(job, modules=ground.modules)

    async def _modules(self, plan: PlanRecord) -> bytes | None:
        try:
            return await self.plans.part(plan, "modules")
        except ObjectMissingError:
            return None

    async def _last_begun(self, run: Run) -> PlanRecord | None:
        """Return the newest plan that the pull request began to apply here; None without one."""
        async with self.records.read() as reader:
            plans = await reader.plans(repo=run.stack.repo, pull=run.pull, stack=run.stack, statuses=BEGUN)
        return plans[0] if plans else None

    async def _apply(self, ground: _Ground, job: TerraformJob, planned: PlanOutput, left: LeftBehind) -> None:
        run = ground.run
        change = Change(
            run=run,
            plan=ground.plan,
            job=job,
            plan_file=planned.plan_file,
            code=planned.code,
            added=left.bundle,
            command="terraform apply -destroy",
        )
        applied = await self.changes.apply(change)
        if applied is None:
            return
        output = applied.output
        detail = {
            **change_detail(output, applied.before, applied.after, job.redact),
            "destroyed": _destroyed(planned),
        }
        if output.exit_code == 0:
            await self._end_well(run, detail, "Destroyed.")
            return
        status, failure = ended(output)
        summary = f"terraform apply -destroy ended with exit code {output.exit_code}."
        await self.completion.end(run, status, failure, summary, detail, retries=self.changes.retries)

    async def _end_well(self, run: Run, detail: Mapping[str, Any], summary: str) -> None:
        async def unlock(writer: Writer) -> None:
            """Free the state, unless a later run of the pull request has claimed it again.

            Its plans are void.
            """
            lock = await writer.lock(run.stack)
            if lock is not None and lock.run_id == run.id:
                at, cause = self.completion.clock.now(), run.correlation_id
                await locking.release(writer, lock, by=run.actor, why=summary, at=at, cause=cause)
            for plan in await writer.plan_outlines(
                repo=run.stack.repo, stack=run.stack, statuses=(*OPEN_PLANS, *BEGUN)
            ):
                if plan.stack.state_key == run.stack.state_key:
                    await writer.set_plan_status(plan.id, PlanStatus.STALE, "the environment was destroyed")

        await self.completion.end(
            run, RunStatus.SUCCEEDED, None, summary, detail, also=unlock, retries=self.changes.retries
        )


def _destroyed(planned: PlanOutput) -> int:
    changes = planned.json.get("resource_changes") or ()
    return sum("delete" in (item.get("change") or {}).get("actions", ()) for item in changes)
