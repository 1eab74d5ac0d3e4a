"""Executing a destroy: what a pull request has applied to its environment is planned away and applied at once.

It works from the stored working directory of the last apply and not from the branch, which may be gone or say
something else by then. The rules of a crash are those of an apply.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bot.domain.errors import GatewrightError, ObjectMissingError
from bot.domain.model import PlanStatus, Run, RunId, RunStatus, Stack
from bot.domain.plan import PlanRecord
from bot.domain.redaction import Redactor
from bot.domain.retries import Retries
from bot.domain.sensitive import sensitive_values
from bot.policy import RepoPolicy
from bot.ports import (
    Cipher,
    Clock,
    GitHub,
    LeftBehind,
    ObjectStore,
    PlanMode,
    PlanOutput,
    Records,
    Slot,
    SourceBundle,
    Terraform,
    TerraformJob,
    Workspace,
    Writer,
)
from bot.ports.sources import History
from bot.services import locking
from bot.services.beginnings import begin, has_begun
from bot.services.bundles import open_stored
from bot.services.endings import Endings
from bot.services.existing_states import ExistingStates
from bot.services.failures import describe, status_of
from bot.services.interruptions import Interruptions
from bot.services.jobs import Credentials, Limits, LineSink, RunLogs, StopOnRequest, bounded
from bot.services.lasting import refuse_to_destroy
from bot.services.module_access import with_modules
from bot.services.outputs import change_detail, ended
from bot.services.persistence import persist
from bot.services.plan_inputs import checked_inputs
from bot.services.policies import Policies
from bot.services.requesting import OPEN_PLANS
from bot.services.state_owners import StateOwners
from bot.services.states import Snapshots
from bot.services.tree_runs import plan_tree

BEGUN = (PlanStatus.APPLIED, PlanStatus.FAILED, PlanStatus.APPLYING)
"""Plans of which something may exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroying:
    """Destroys what a pull request holds."""

    records: Records
    github: GitHub
    workspace: Workspace
    history: History
    terraform: Terraform
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    policies: Policies
    snapshots: Snapshots
    owners: StateOwners
    existing: ExistingStates
    credentials: Credentials
    endings: Endings
    interruptions: Interruptions
    logs: RunLogs
    limits: Limits
    retries: Retries = field(default_factory=Retries)
    """Of what is recorded after Terraform has ended."""

    async def execute(self, run_id: RunId) -> None:
        """Destroy, and record how it ended. One whose intent is on record is never started again."""
        run = await begin(self.records, run_id, self.clock, why="planning the destroy")
        if run is None:
            return
        try:
            if run.intent_at is not None:
                await self.interruptions.explain(run)
            else:
                await self._destroy(run)
        except GatewrightError as error:
            if error.passing or await has_begun(self.records, run_id):
                raise
            await self.endings.end(run, status_of(error), error.failure_class, str(error), describe(error))

    async def _destroy(self, run: Run) -> None:
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True) as key_fd:
            plan = await self._last_begun(run)
            if plan is None:
                await self._end_well(
                    run, {"destroyed": 0}, "Nothing was applied here, so there is nothing to destroy."
                )
                return
            await self.owners.claim(plan.stack)
            redactor = self.credentials.redactor(run.stack.env).with_more(
                json.loads(await open_stored(self.artifacts, self.cipher, plan, "secrets"))
            )
            work = await open_stored(self.artifacts, self.cipher, plan, "work")
            policy = (await self.policies.load(await self.github.repository(run.stack.repo))).policy
            files = await self.history.bundle_texts(work, plan.stack.directory)
            inputs = await checked_inputs(self.credentials, plan.stack, policy.engine, files)
            redactor = redactor.with_more(inputs.secrets)
            modules = await self.credentials.module_access(run.stack.repo)
            await self.existing.of_bundle(plan.stack, plan.engine.partition(" ")[0], work)
            async with self.workspace.slot(plan.stack, name=plan.slot) as slot:
                reviewed = SourceBundle(data=work)
                laid = await self.workspace.lay_out(slot, reviewed)
                job = replace(
                    self._job(run, plan.stack, policy, slot, redactor),
                    ephemeral_variables=inputs.ephemeral,
                    # What their addresses give now was reviewed by nobody, and would run with the keys of an apply.
                    modules=await self._modules(plan),
                )
                planned, left = await plan_tree(
                    self.workspace,
                    self.terraform,
                    with_modules(job, modules),
                    reviewed,
                    laid,
                    mode=PlanMode.DESTROY,
                )
                secrets = await asyncio.to_thread(sensitive_values, planned.json)
                redactor = redactor.with_more(secrets)
                await self.logs.cleanse(run.id, redactor)
                lasting = replace(
                    job,
                    redact=redactor,
                    on_line=LineSink(self.logs.open(run.id), redactor),
                    keep_fds=(key_fd, slot.lock_fd),
                    dies_with_parent=False,
                )
                # Code ran in the directory, so the apply starts from the stored tree again.
                await self.workspace.lay_out(slot, reviewed)
                await self._apply(run, plan, with_modules(lasting, modules), planned, left)

    async def _modules(self, plan: PlanRecord) -> bytes | None:
        """Return the modules that a plan was made with, None where it had none from elsewhere."""
        try:
            return await open_stored(self.artifacts, self.cipher, plan, "modules")
        except ObjectMissingError:
            return None

    async def _last_begun(self, run: Run) -> PlanRecord | None:
        """Return the plan of which something may exist, None when the pull request has applied nothing here."""
        async with self.records.read() as reader:
            plans = await reader.plans(repo=run.stack.repo, pull=run.pull, stack=run.stack, statuses=BEGUN)
        return plans[0] if plans else None

    def _job(
        self, run: Run, stack: Stack, policy: RepoPolicy, slot: Slot, redactor: Redactor
    ) -> TerraformJob:
        refuse_to_destroy(policy, stack)
        return TerraformJob(
            slot=slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=policy.engine,
            backend=self.credentials.backend(stack, purpose="apply"),
            environment=self.credentials.environment(stack.env, purpose="apply"),
            redact=redactor,
            timeout=bounded(self.limits.apply_timeout, policy.timeouts.apply),
            on_line=LineSink(self.logs.open(run.id), redactor),
            stop=StopOnRequest(records=self.records, run_id=run.id),
        )

    async def _apply(
        self, run: Run, plan: PlanRecord, job: TerraformJob, planned: PlanOutput, left: LeftBehind
    ) -> None:
        before = await self.snapshots.take(run, "before", plan.head_sha)
        async with self.records.write() as writer:
            await writer.record_intent(run.id, self.clock.now())
            await writer.move_run(
                run.id,
                RunStatus.RUNNING,
                at=self.clock.now(),
                actor="gatewright",
                why="terraform apply -destroy",
            )
        try:
            output = await self.terraform.apply(
                job, planned.plan_file, planned.code, before_start=partial(self._add, job.slot, left)
            )
        except GatewrightError as error:
            # Terraform was never started: see the port.
            detail = {**describe(error), "started": False}
            await self.endings.end(run, status_of(error), error.failure_class, str(error), detail)
            return
        after = await persist(
            self.retries,
            f"the snapshot after run {run.id}",
            lambda: self.snapshots.take(run, "after", plan.head_sha),
        )
        detail = {**change_detail(output, before, after, job.redact), "destroyed": _destroyed(planned)}
        if output.exit_code == 0:
            await self._end_well(run, detail, "Destroyed.")
            return
        status, failure = ended(output)
        summary = f"terraform apply -destroy ended with exit code {output.exit_code}."
        await self.endings.end(run, status, failure, summary, detail, retries=self.retries)

    async def _add(self, slot: Slot, left: LeftBehind) -> None:
        if left.bundle is not None:
            await self.workspace.add(slot, left.bundle)

    async def _end_well(self, run: Run, detail: Mapping[str, Any], summary: str) -> None:
        async def give_up(writer: Writer) -> None:
            """Free the state, unless a later run of the pull request has claimed it again; its plans are void."""
            lock = await writer.lock(run.stack)
            if lock is not None and lock.run_id == run.id:
                await locking.give(
                    writer, lock, by=run.actor, why=summary, at=self.clock.now(), cause=run.correlation_id
                )
            for plan in await writer.plan_outlines(
                repo=run.stack.repo, stack=run.stack, statuses=(*OPEN_PLANS, *BEGUN)
            ):
                if plan.stack.state_key == run.stack.state_key:
                    await writer.set_plan_status(plan.id, PlanStatus.STALE, "the environment was destroyed")

        await self.endings.end(
            run, RunStatus.SUCCEEDED, None, summary, detail, also=give_up, retries=self.retries
        )


def _destroyed(planned: PlanOutput) -> int:
    changes = planned.json.get("resource_changes") or ()
    return sum("delete" in (item.get("change") or {}).get("actions", ()) for item in changes)
