"""Executing an apply: exactly the stored plan, at most once, with a snapshot before and after."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.domain.errors import GatewrightError, IntegrityError, TerraformStoppedError
from bot.domain.gates import GateResult, shut
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import FailureClass, Login, PlanStatus, Run, RunId, RunKind, RunStatus
from bot.domain.plan import PlanRecord
from bot.domain.redaction import Redactor
from bot.ports import (
    ApplyOutput,
    Artifact,
    Cipher,
    Clock,
    Job,
    NewRun,
    ObjectStore,
    Records,
    Slot,
    StateVersion,
    Terraform,
    TerraformJob,
    Workspace,
    Writer,
)
from bot.services.failures import describe
from bot.services.ids import new_run_id
from bot.services.jobs import Credentials, Limits, LineSink, RunLogs, StopOnRequest, bounded
from bot.services.judging import Judging
from bot.services.policies import LoadedPolicy
from bot.services.reporting import Reporting
from bot.services.states import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """An apply whose gates are open and whose files are in place."""

    run: Run
    plan: PlanRecord
    slot: Slot
    plan_file: Path
    key_fd: int
    loaded: LoadedPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """Applies stored plans."""

    records: Records
    workspace: Workspace
    terraform: Terraform
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    judging: Judging
    snapshots: Snapshots
    credentials: Credentials
    reporting: Reporting
    logs: RunLogs
    limits: Limits

    async def execute(self, run_id: RunId) -> None:
        """Apply, and record how it ended. An apply whose intent is on record is never started again."""
        run = await self._load(run_id)
        if run is None:
            return
        try:
            if run.intent_at is not None:
                await self._interrupted(run)
            else:
                await self._apply(run)
        except GatewrightError as error:
            if error.passing:
                raise
            await self._end(run, RunStatus.FAILED, error.failure_class, str(error), describe(error))

    async def _load(self, run_id: RunId) -> Run | None:
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status in TERMINAL:
                return None
            if run.cancel_requested_by is not None and run.intent_at is None:
                await self._canceled_early(writer, run, run.cancel_requested_by)
                return None
            await writer.move_run(
                run_id, RunStatus.PREPARING, at=self.clock.now(), actor="gatewright", why="asking the gates"
            )
        return run

    async def _canceled_early(self, writer: Writer, run: Run, by: Login) -> None:
        await writer.set_result(
            run.id, summary=f"Canceled by {by} before it started.", detail={"started": False}
        )
        await writer.move_run(
            run.id,
            RunStatus.CANCELED,
            at=self.clock.now(),
            actor=by,
            why="canceled before it started",
            failure_class=FailureClass.CANCELED,
        )

    async def _apply(self, run: Run) -> None:
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True) as key_fd:
            plan, results, loaded = await self.judging.before_apply(run)
            if shut(results):
                await self._refused(run, shut(results))
                return
            plan_file = await self._stored(plan, "plan")
            if hashlib.sha256(plan_file).hexdigest() != plan.plan_sha256:
                raise IntegrityError(f"plan {plan.id}: the stored plan file is not the one that was reviewed")
            work = await self._stored(plan, "work")
            async with self.workspace.slot(plan.stack, name=plan.slot) as slot:
                await self.workspace.unpack(slot, work)
                path = slot.scratch / "plan.tfplan"
                await asyncio.to_thread(path.write_bytes, plan_file)
                change = _Change(run=run, plan=plan, slot=slot, plan_file=path, key_fd=key_fd, loaded=loaded)
                await self._change(change)

    async def _stored(self, plan: PlanRecord, name: str) -> bytes:
        key = f"{plan.bundle_key}/{name}"
        sealed = await self.artifacts.get(key)
        return await asyncio.to_thread(self.cipher.open, sealed, context=key)

    async def _change(self, change: _Change) -> None:
        run, plan = change.run, change.plan
        before = await self.snapshots.take(run, "before", plan.head_sha)
        async with self.records.write() as writer:
            await writer.record_intent(run.id, self.clock.now())
            await writer.set_plan_status(plan.id, PlanStatus.APPLYING, None)
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor="gatewright", why="terraform apply"
            )
        await self.reporting.announce_apply(run, plan.id)
        redactor = self.credentials.redactor(run.stack.env)
        try:
            output = await self.terraform.apply(self._job(change, redactor), change.plan_file)
        except GatewrightError as error:
            # Terraform was never started: see the port.
            status = RunStatus.CANCELED if isinstance(error, TerraformStoppedError) else RunStatus.FAILED
            detail = {**describe(error), "started": False}
            await self._end(run, status, error.failure_class, str(error), detail, plan=plan)
            return
        # From here on a failure to reach the store is told as an interruption by the next try of the step.
        after = await self.snapshots.take(run, "after", plan.head_sha)
        await self._finish(change, output, before, after, redactor)

    def _job(self, change: _Change, redactor: Redactor) -> TerraformJob:
        run, stack = change.run, change.plan.stack
        return TerraformJob(
            slot=change.slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=change.loaded.policy.engine,
            backend=self.credentials.backend(stack, purpose="apply"),
            environment=self.credentials.environment(stack.env, purpose="apply"),
            redact=redactor,
            timeout=bounded(self.limits.apply_timeout, change.loaded.policy.timeouts.apply),
            on_line=LineSink(self.logs.open(run.id), redactor),
            stop=StopOnRequest(records=self.records, run_id=run.id),
            keep_fds=(change.key_fd, change.slot.lock_fd),
            dies_with_parent=False,
        )

    async def _finish(
        self,
        change: _Change,
        output: ApplyOutput,
        before: StateVersion,
        after: StateVersion,
        redactor: Redactor,
    ) -> None:
        run, plan = change.run, change.plan
        ok = output.exit_code == 0
        artifacts = await self._keep_artifacts(run, output) if ok else ()
        status, failure = _ended(output)
        detail = {
            "exit_code": output.exit_code,
            "log_tail": redactor(output.log_tail),
            "serial_before": before.identity.serial,
            "serial_after": after.identity.serial,
            "changed": before.identity.sha256 != after.identity.sha256,
            "errored_state": output.errored_state,
            "stopped_by": output.stopped_by,
            "outputs": _public_outputs(output.outputs),
            "artifacts": [artifact.name for artifact in artifacts],
        }
        summary = "Applied." if ok else f"terraform apply ended with exit code {output.exit_code}."
        await self._end(run, status, failure, summary, detail, plan=plan, artifacts=artifacts)

    async def _keep_artifacts(self, run: Run, output: ApplyOutput) -> tuple[Artifact, ...]:
        kept = []
        for name in await self.judging.artifact_outputs(run):
            if name not in output.outputs:
                continue
            key = f"artifacts/{run.stack.state_key}/{run.id}/{name}"
            value = output.outputs[name].get("value")
            data = value if isinstance(value, str) else json.dumps(value)
            await self.artifacts.put(key, self.cipher.seal(data.encode(), context=key), create_only=True)
            kept.append(Artifact(run_id=run.id, name=name, object_key=key, created_at=self.clock.now()))
        return tuple(kept)

    async def _refused(self, run: Run, gates: tuple[GateResult, ...]) -> None:
        detail = {
            "problem": "refused",
            "refusals": [
                {"gate": g.gate, "reason": str(g.reason), "sentence": g.sentence, "opens_with": g.opens_with}
                for g in gates
            ],
        }
        await self._end(run, RunStatus.FAILED, FailureClass.POLICY, gates[0].sentence, detail)

    async def _interrupted(self, run: Run) -> None:
        """Explain an apply whose process was lost; waits until an orphaned Terraform has ended."""
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True):
            async with self.records.read() as reader:
                versions = await reader.state_versions(run.stack.state_key)
                plan = await reader.plan(run.plan_id) if run.plan_id else None
            before = next((v for v in versions if v.run_id == run.id and v.moment == "before"), None)
            holder = await self.snapshots.states.lock_holder(run.stack.state_key)
            after = await self.snapshots.take(run, "after", run.head_sha)
        serial = before.identity.serial if before else None
        changed = before is not None and before.identity.sha256 != after.identity.sha256
        state = "locked" if holder else "changed" if changed else "not_changed"
        detail = {
            "problem": "interrupted",
            "state": state,
            "lock_holder": holder,
            "serial_before": serial,
            "serial_after": after.identity.serial,
            "changed": changed,
        }
        summary = "The server was interrupted while Terraform was applying."
        await self._end(run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, summary, detail, plan=plan)

    async def _end(
        self,
        run: Run,
        status: RunStatus,
        failure: FailureClass | None,
        summary: str,
        detail: Mapping[str, Any],
        *,
        plan: PlanRecord | None = None,
        artifacts: tuple[Artifact, ...] = (),
    ) -> None:
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)
        now = self.clock.now()
        async with self.records.write() as writer:
            for artifact in artifacts:
                await writer.add_artifact(artifact)
            if plan is not None:
                applied = status is RunStatus.SUCCEEDED
                await writer.set_plan_status(
                    plan.id,
                    PlanStatus.APPLIED if applied else PlanStatus.FAILED,
                    None if applied else summary,
                )
                await _void_others(writer, plan)
            await writer.set_result(run.id, summary=summary, detail=detail)
            await writer.move_run(
                run.id, status, at=now, actor="gatewright", why=summary, failure_class=failure
            )
            if plan is not None and status is not RunStatus.SUCCEEDED:
                await _replan(writer, run, plan, now)


async def _void_others(writer: Writer, plan: PlanRecord) -> None:
    """Every other plan of the stack was made for a state that no longer exists."""
    open_plans = (PlanStatus.PLANNED, PlanStatus.NO_CHANGES)
    for other in await writer.plans(repo=plan.stack.repo, stack=plan.stack, statuses=open_plans):
        if other.id != plan.id:
            await writer.set_plan_status(
                other.id, PlanStatus.STALE, f"the state was changed by plan {plan.id}"
            )


async def _replan(writer: Writer, run: Run, plan: PlanRecord, now: datetime) -> None:
    new = NewRun(
        id=new_run_id(now),
        kind=RunKind.PLAN,
        stack=run.stack,
        installation_id=run.installation_id,
        pull=run.pull,
        head_sha=run.head_sha,
        base_sha=run.base_sha,
        actor=run.actor,
        comment_id=None,
        plan_id=None,
        arguments=plan.arguments,
        policy_digest=run.policy_digest,
        correlation_id=run.correlation_id,
        dedupe_key=f"replan:{run.id}",
    )
    if await writer.add_run(new, now) is not None:
        await writer.enqueue(
            Job(workflow="execute_plan", id=f"run-{new.id}", argument=new.id, queue="plans", partition=None)
        )


def _ended(output: ApplyOutput) -> tuple[RunStatus, FailureClass | None]:
    if output.exit_code == 0:
        return RunStatus.SUCCEEDED, None
    if output.timed_out:
        return RunStatus.TIMED_OUT, FailureClass.TIMEOUT
    if output.stopped_by:
        return RunStatus.CANCELED, FailureClass.CANCELED
    return RunStatus.FAILED, FailureClass.TERRAFORM


def _public_outputs(outputs: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, output in outputs.items()
        if not output.get("sensitive") and (value := output.get("value")) is not None
    }
