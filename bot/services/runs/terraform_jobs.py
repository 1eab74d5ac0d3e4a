"""What Terraform is given for a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.core.model import Run, RunId, Stack
from bot.domain.secrets.redaction import Redactor
from bot.policy import RepoPolicy
from bot.ports import Records, Slot, TerraformJob
from bot.services.runs.credentials import Credentials, ModuleAccess, Purpose
from bot.services.runs.run_logs import RunLogs


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Time-outs in seconds."""

    plan_timeout: float
    apply_timeout: float


def bounded(limit: float, wanted: timedelta | None) -> float:
    """Return the time limit of the policy, at most that of the server."""
    return limit if wanted is None else min(limit, wanted.total_seconds())


@dataclass(slots=True, kw_only=True)
class StopOnRequest:
    """Reads from the records whether a run should be canceled; used as `TerraformJob.stop`."""

    records: Records
    run_id: RunId

    async def __call__(self) -> str | None:
        """Return who requested it; None without a request."""
        async with self.records.read() as reader:
            run = await reader.run(self.run_id)
        by = run.cancel_requested_by if run else None
        return None if by is None else by.login


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformJobs:
    """Builds what Terraform is given for a run."""

    records: Records
    credentials: Credentials
    logs: RunLogs
    limits: Limits

    async def build(
        self,
        run: Run,
        stack: Stack,
        policy: RepoPolicy,
        slot: Slot,
        redactor: Redactor,
        *,
        purpose: Purpose,
        modules: ModuleAccess | None = None,
    ) -> TerraformJob:
        """Return the job that plans or applies a stack; `modules` None fetches them."""
        limit, wanted = (
            (self.limits.plan_timeout, policy.timeouts.plan)
            if purpose == "plan"
            else (self.limits.apply_timeout, policy.timeouts.apply)
        )
        seconds = bounded(limit, wanted)
        job = self.program(run, stack, policy, slot, redactor, purpose=purpose, seconds=seconds)
        return with_modules(job, modules or await self.credentials.module_access(stack.repo))

    def program(
        self,
        run: Run,
        stack: Stack,
        policy: RepoPolicy,
        slot: Slot,
        redactor: Redactor,
        *,
        purpose: Purpose,
        seconds: float,
    ) -> TerraformJob:
        """Return the job of a program that runs where Terraform would run, without `init`."""
        return TerraformJob(
            slot=slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=policy.engine,
            backend=self.credentials.backend(stack, purpose=purpose),
            environment=self.credentials.environment(stack.env, purpose=purpose),
            redact=redactor,
            timeout=seconds,
            on_line=self.logs.open(run.id).write,
            stop=StopOnRequest(records=self.records, run_id=run.id),
        )


def with_modules(job: TerraformJob, access: ModuleAccess) -> TerraformJob:
    """Return the job with an access to modules.

    The token is redacted like everything that is secret.
    """
    if not access.environment:
        return job
    known, before = Redactor(access.secrets), job.redact
    return replace(job, init_environment=access.environment, redact=lambda text: before(known(text)))
