"""Executing an apply: exactly the stored plan, at most once, with a snapshot before and after."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bot.domain.errors import GatewrightError, ObjectExistsError
from bot.domain.gates import GateResult, shut
from bot.domain.model import FailureClass, Login, PlanStatus, Run, RunId, RunStatus
from bot.domain.plan import PlanRecord
from bot.domain.redaction import Redactor
from bot.domain.release import Release
from bot.domain.retries import Retries
from bot.ports import (
    ApplyOutput,
    Artifact,
    Cipher,
    Clock,
    ObjectStore,
    Records,
    Slot,
    SourceBundle,
    StateVersion,
    Terraform,
    TerraformJob,
    Workspace,
)
from bot.ports.sources import History
from bot.services.beginnings import begin, has_begun
from bot.services.bundles import Parts, open_parts, open_stored
from bot.services.endings import Endings
from bot.services.failures import describe, status_of
from bot.services.interruptions import Interruptions
from bot.services.jobs import (
    Credentials,
    Limits,
    LineSink,
    ModuleAccess,
    RunLogs,
    StopOnRequest,
    bounded,
)
from bot.services.judging import Judging
from bot.services.module_access import with_modules
from bot.services.outbox import announcement_of
from bot.services.outputs import change_detail, ended, public_outputs, sensitive_outputs
from bot.services.persistence import persist
from bot.services.plan_inputs import Inputs, checked_inputs
from bot.services.policies import LoadedPolicy
from bot.services.releasing import Made, Source, Sources, release_of
from bot.services.state_owners import StateOwners
from bot.services.states import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """An apply whose gates are open and whose files are in place."""

    run: Run
    plan: PlanRecord
    slot: Slot
    plan_file: Path
    parts: Parts
    key_fd: int
    loaded: LoadedPolicy
    redactor: Redactor
    inputs: Inputs
    modules: ModuleAccess
    source: Source
    approvers: tuple[Login, ...]
    waived: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """Applies stored plans."""

    records: Records
    workspace: Workspace
    history: History
    terraform: Terraform
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    judging: Judging
    snapshots: Snapshots
    sources: Sources
    owners: StateOwners
    credentials: Credentials
    endings: Endings
    interruptions: Interruptions
    logs: RunLogs
    limits: Limits
    retries: Retries = field(default_factory=Retries)
    """Of what is recorded after Terraform has ended."""

    async def execute(self, run_id: RunId) -> None:
        """Apply, and record how it ended. An apply whose intent is on record is never started again."""
        run = await begin(self.records, run_id, self.clock, why="asking the gates")
        if run is None:
            return
        try:
            if run.intent_at is not None:
                await self.interruptions.explain(run)
            else:
                await self._apply(run)
        except GatewrightError as error:
            if error.passing or await has_begun(self.records, run_id):
                raise
            await self.endings.end(run, RunStatus.FAILED, error.failure_class, str(error), describe(error))

    async def _apply(self, run: Run) -> None:
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True) as key_fd:
            await self.owners.claim(run.stack)
            judged = await self.judging.before_apply(run)
            plan, closed = judged.plan, shut(judged.results)
            async with self.records.write() as writer:
                await writer.record_gates(run.id, judged.results)
            if closed:
                await self._refused(run, closed)
                return
            parts = await open_parts(self.artifacts, self.cipher, plan)
            files = await self.history.bundle_texts(parts.work, plan.stack.directory)
            inputs = await checked_inputs(self.credentials, plan.stack, judged.loaded.policy.engine, files)
            redactor = (await self._redactor(plan)).with_more(inputs.secrets)
            modules = await self.credentials.module_access(plan.stack.repo)
            async with self.workspace.slot(plan.stack, name=plan.slot) as slot:
                await self.workspace.lay_out(slot, SourceBundle(data=parts.work))
                path = slot.scratch / "plan.tfplan"
                await asyncio.to_thread(path.write_bytes, parts.plan_file)
                change = _Change(
                    run=run,
                    plan=plan,
                    slot=slot,
                    plan_file=path,
                    parts=parts,
                    key_fd=key_fd,
                    loaded=judged.loaded,
                    redactor=redactor,
                    inputs=inputs,
                    modules=modules,
                    source=await self.sources.keep(parts.work),
                    approvers=judged.approvers,
                    waived=judged.waived,
                )
                await self._change(change)

    async def _change(self, change: _Change) -> None:
        run, plan = change.run, change.plan
        before = await self.snapshots.take(run, "before", plan.head_sha)
        async with self.records.write() as writer:
            await writer.record_intent(run.id, self.clock.now())
            await writer.set_plan_status(plan.id, PlanStatus.APPLYING, None)
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor="gatewright", why="terraform apply"
            )
            # GitHub is told by the outbox: nothing of it may stand between the intent and Terraform's start.
            await writer.enqueue(announcement_of(run))
        try:
            output = await self.terraform.apply(
                self._job(change),
                change.plan_file,
                change.parts.code,
                before_start=partial(self._add, change),
            )
        except GatewrightError as error:
            # Terraform was never started: see the port.
            detail = {**describe(error), "started": False}
            await self.endings.end(run, status_of(error), error.failure_class, str(error), detail, plan=plan)
            return
        after = await persist(
            self.retries,
            f"the snapshot after run {run.id}",
            lambda: self.snapshots.take(run, "after", plan.head_sha),
        )
        await self._finish(change, output, before, after)

    async def _add(self, change: _Change) -> None:
        """Put back what the plan left in its directory, when init cannot read it any more."""
        if change.parts.added is not None:
            await self.workspace.add(change.slot, change.parts.added)

    async def _redactor(self, plan: PlanRecord) -> Redactor:
        """Know the secrets of the plan as well: what it made sensitive can be printed while it is applied."""
        secrets = json.loads(await open_stored(self.artifacts, self.cipher, plan, "secrets"))
        return self.credentials.redactor(plan.stack.env).with_more(secrets)

    def _job(self, change: _Change) -> TerraformJob:
        run, stack = change.run, change.plan.stack
        job = TerraformJob(
            slot=change.slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=change.loaded.policy.engine,
            backend=self.credentials.backend(stack, purpose="apply"),
            environment=self.credentials.environment(stack.env, purpose="apply"),
            redact=change.redactor,
            timeout=bounded(self.limits.apply_timeout, change.loaded.policy.timeouts.apply),
            on_line=LineSink(self.logs.open(run.id), change.redactor),
            stop=StopOnRequest(records=self.records, run_id=run.id),
            keep_fds=(change.key_fd, change.slot.lock_fd),
            dies_with_parent=False,
            ephemeral_variables=change.inputs.ephemeral,
        )
        return with_modules(job, change.modules)

    async def _finish(
        self,
        change: _Change,
        output: ApplyOutput,
        before: StateVersion,
        after: StateVersion,
    ) -> None:
        run, plan = change.run, change.plan
        ok = output.exit_code == 0
        full = change.redactor.with_more(sensitive_outputs(output.outputs))
        await persist(self.retries, f"the log of run {run.id}", lambda: self.logs.cleanse(run.id, full))
        artifacts = await self._keep_artifacts(change, output) if ok else ()
        status, failure = ended(output)
        detail = {
            **change_detail(output, before, after, full),
            "outputs": {name: full(value) for name, value in public_outputs(output.outputs).items()},
            "artifacts": [artifact.name for artifact in artifacts],
            **({"waived": list(change.waived)} if change.waived else {}),
        }
        summary = "Applied." if ok else f"terraform apply ended with exit code {output.exit_code}."
        # What it leaves is a state and not a version of the code, so nobody can go back to it, or promote it.
        release = self._release(change, output, after) if ok and plan.operation is None else None
        await self.endings.end(
            run,
            status,
            failure,
            summary,
            detail,
            plan=plan,
            artifacts=artifacts,
            release=release,
            retries=self.retries,
        )

    def _release(self, change: _Change, output: ApplyOutput, after: StateVersion) -> Release:
        made = Made(
            run=change.run,
            source=change.source,
            state=after.identity,
            outputs=output.outputs,
            changed=True,
            approvers=change.approvers,
        )
        return release_of(change.plan, made, self.clock.now())

    async def _keep_artifacts(self, change: _Change, output: ApplyOutput) -> tuple[Artifact, ...]:
        run, kept = change.run, []
        for name in change.loaded.policy.environment(run.stack.env).artifacts:
            if name not in output.outputs:
                continue
            key = f"artifacts/{run.stack.state_key}/{run.id}/{name}"
            value = output.outputs[name].get("value")
            data = value if isinstance(value, str) else json.dumps(value)
            sealed = self.cipher.seal(data.encode(), context=key)
            await persist(self.retries, f"artifact {name} of run {run.id}", partial(self._keep, key, sealed))
            kept.append(Artifact(run_id=run.id, name=name, object_key=key, created_at=self.clock.now()))
        return tuple(kept)

    async def _keep(self, key: str, sealed: bytes) -> None:
        try:
            await self.artifacts.put(key, sealed, create_only=True)
        except ObjectExistsError:
            # An earlier attempt whose answer was lost may have written it.
            if await self.artifacts.get(key) != sealed:
                raise

    async def _refused(self, run: Run, gates: tuple[GateResult, ...]) -> None:
        detail = {
            "problem": "refused",
            "refusals": [
                {"gate": g.gate, "reason": str(g.reason), "sentence": g.sentence, "opens_with": g.opens_with}
                for g in gates
            ],
        }
        await self.endings.end(run, RunStatus.FAILED, FailureClass.POLICY, gates[0].sentence, detail)
