"""What applying and destroying share.

A plan file is applied at most once, between two snapshots.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId, RunStatus
from bot.domain.core.retries import Retries
from bot.domain.plans.plan import PlanRecord
from bot.domain.secrets.redaction import Redactor
from bot.policy import RepoPolicy
from bot.ports import (
    ApplyOutput,
    Records,
    Slot,
    StateVersion,
    Terraform,
    TerraformJob,
    Workspace,
    Writer,
)
from bot.ports.sources import History
from bot.ports.terraform import FetchedCode
from bot.services.planning.sealed_plans import SealedPlans
from bot.services.recovery.interrupted_runs import InterruptedRuns
from bot.services.runs.credentials import ModuleAccess
from bot.services.runs.plan_inputs import Inputs, checked_inputs
from bot.services.runs.retrying import persist
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_execution import execute, failure_of
from bot.services.runs.terraform_jobs import TerraformJobs
from bot.services.stacks.states import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A plan file that can be applied: its tree is laid out in the job's slot."""

    run: Run
    plan: PlanRecord
    """The stored plan whose code it is."""
    job: TerraformJob
    plan_file: Path
    code: FetchedCode
    added: bytes | None = field(repr=False)
    """Files that the plan left in its directory, for its own apply."""
    command: str
    """Text of the timeline while Terraform runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What Terraform did, and the state around it."""

    output: ApplyOutput
    before: StateVersion
    after: StateVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Applies plan files."""

    records: Records
    workspace: Workspace
    history: History
    terraform: Terraform
    plans: SealedPlans
    jobs: TerraformJobs
    snapshots: Snapshots
    interrupted_runs: InterruptedRuns
    completion: RunCompletion
    retries: Retries = field(default_factory=Retries)
    """Retries of records that are written after Terraform has ended."""

    async def execute(self, run_id: RunId, work: Callable[[Run], Awaitable[None]], *, why: str) -> None:
        """Do the work of a run, or explain the run where its intent is on record.

        It is never started again.
        """

        async def once(run: Run) -> None:
            if run.intent_at is not None:
                await self.interrupted_runs.explain(run)
            else:
                await work(run)

        await execute(self.completion, run_id, once, why=why)

    async def known(self, plan: PlanRecord, policy: RepoPolicy, work: bytes) -> tuple[Redactor, Inputs]:
        """Return the redactor of a stored plan's secrets, and the inputs of its code."""
        credentials = self.jobs.credentials
        # What the plan made sensitive can be printed while it is applied.
        redactor = credentials.redactor(plan.stack.env).with_more(await self.plans.secrets(plan))
        files = await self.history.bundle_texts(work, plan.stack.directory)
        inputs = await checked_inputs(credentials, plan.stack, policy.engine, files)
        return redactor.with_more(inputs.secrets), inputs

    async def job(
        self,
        run: Run,
        plan: PlanRecord,
        policy: RepoPolicy,
        slot: Slot,
        redactor: Redactor,
        *,
        inputs: Inputs,
        key_fd: int,
        access: ModuleAccess | None = None,
    ) -> TerraformJob:
        """Return the job that applies; its Terraform outlives the server, and keeps the locks."""
        job = await self.jobs.build(run, plan.stack, policy, slot, redactor, purpose="apply", modules=access)
        return replace(
            job,
            keep_fds=(key_fd, slot.lock_fd),
            dies_with_parent=False,
            ephemeral_variables=inputs.ephemeral,
        )

    async def apply(
        self,
        change: Change,
        *,
        starting: Callable[[Writer], Awaitable[None]] | None = None,
        of_plan: PlanRecord | None = None,
    ) -> Applied | None:
        """Apply; None where Terraform was not started, which is recorded as the end of the run.

        `starting` writes with the intent; `of_plan` is the plan that ends with the run.
        """
        run, commit = change.run, change.plan.head_sha
        before = await self.snapshots.take(run, "before", commit)
        await self._start(change, starting)

        async def add() -> None:
            # Only now: init must not read what the plan left.
            if change.added is not None:
                await self.workspace.add(change.job.slot, change.added)

        try:
            output = await self.terraform.apply(change.job, change.plan_file, change.code, before_start=add)
        except GatewrightError as error:
            # Terraform was never started: see the port.
            ending = failure_of(run, error)
            detail = {**ending.detail, "started": False}
            await self.completion.end(
                run, ending.status, ending.failure, ending.summary, detail, plan=of_plan
            )
            return None
        after = await persist(
            self.retries,
            f"the snapshot after run {run.id}",
            lambda: self.snapshots.take(run, "after", commit),
        )
        return Applied(output=output, before=before, after=after)

    async def _start(self, change: Change, starting: Callable[[Writer], Awaitable[None]] | None) -> None:
        run, now = change.run, self.completion.clock.now()
        async with self.records.write() as writer:
            await writer.record_intent(run.id, now)
            if starting is not None:
                await starting(writer)
            await writer.move_run(run.id, RunStatus.RUNNING, at=now, actor=SELF, why=change.command)
