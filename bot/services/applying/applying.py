"""Executing an apply.

Exactly the stored plan, at most once, with a snapshot before and after.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial

from bot.domain.core.accounts import Account
from bot.domain.core.errors import ObjectExistsError
from bot.domain.core.model import FailureClass, PlanStatus, Run, RunId, RunStatus
from bot.domain.gates import GateResult, shut
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.release import Release
from bot.domain.secrets.redaction import Redactor
from bot.ports import Artifact, Records, SealedObjects, Slot, SourceBundle, Workspace, Writer
from bot.services.applying.changes import Applied, Change, Changes
from bot.services.gates.judging import Judged, Judging
from bot.services.planning.sealed_plans import Parts, SealedPlans
from bot.services.runs.outbox import announcement_of
from bot.services.runs.retrying import persist
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_logs import RunLogs
from bot.services.runs.terraform_results import change_detail, ended, public_outputs, sensitive_outputs
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.releases import Made, Source, Sources, release_of
from bot.services.stacks.state_owners import StateOwners


@dataclass(frozen=True, slots=True, kw_only=True)
class _Approved:
    """A plan whose gates are open, and what its release is made of."""

    run: Run
    plan: PlanRecord
    loaded: LoadedPolicy
    source: Source
    redactor: Redactor
    approvers: tuple[Account, ...]
    waived: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """Applies stored plans."""

    records: Records
    workspace: Workspace
    changes: Changes
    plans: SealedPlans
    artifacts: SealedObjects
    judging: Judging
    sources: Sources
    owners: StateOwners
    completion: RunCompletion
    logs: RunLogs

    async def execute(self, run_id: RunId) -> None:
        """Apply, and record how it ended. An apply whose intent is on record is never started again."""
        await self.changes.execute(run_id, self._apply, why="asking the gates")

    async def _apply(self, run: Run) -> None:
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True) as key_fd:
            await self.owners.claim(run.stack)
            judged = await self.judging.before_apply(run)
            closed = shut(judged.results)
            async with self.records.write() as writer:
                await writer.record_gates(run.id, judged.results)
            if closed:
                await self._refused(run, closed)
                return
            parts = await self.plans.parts(judged.plan)
            async with self.workspace.slot(judged.plan.stack, name=judged.plan.slot) as slot:
                await self._change(run, judged, parts, slot, key_fd)

    async def _change(self, run: Run, judged: Judged, parts: Parts, slot: Slot, key_fd: int) -> None:
        plan, policy = judged.plan, judged.loaded.policy
        redactor, inputs = await self.changes.known(plan, policy, parts.work)
        await self.workspace.lay_out(slot, SourceBundle(data=parts.work))
        path = slot.scratch / "plan.tfplan"
        await asyncio.to_thread(path.write_bytes, parts.plan_file)
        change = Change(
            run=run,
            plan=plan,
            job=await self.changes.job(run, plan, policy, slot, redactor, inputs=inputs, key_fd=key_fd),
            plan_file=path,
            code=parts.code,
            added=parts.added,
            command="terraform apply",
        )
        approved = _Approved(
            run=run,
            plan=plan,
            loaded=judged.loaded,
            source=await self.sources.keep(parts.work),
            redactor=redactor,
            approvers=judged.approvers,
            waived=judged.waived,
        )

        async def starting(writer: Writer) -> None:
            await writer.set_plan_status(plan.id, PlanStatus.APPLYING, None)
            # The outbox announces it: nothing of GitHub may stand between the intent and Terraform's start.
            await writer.enqueue(announcement_of(run))

        applied = await self.changes.apply(change, starting=starting, of_plan=plan)
        if applied is not None:
            await self._finish(approved, applied)

    async def _finish(self, approved: _Approved, applied: Applied) -> None:
        run, plan, output, retries = approved.run, approved.plan, applied.output, self.changes.retries
        ok = output.exit_code == 0
        full = approved.redactor.with_more(sensitive_outputs(output.outputs))
        await persist(retries, f"the log of run {run.id}", lambda: self.logs.cleanse(run.id, full))
        artifacts = await self._keep_artifacts(approved, applied) if ok else ()
        status, failure = ended(output)
        detail = {
            **change_detail(output, applied.before, applied.after, full),
            "outputs": {name: full(value) for name, value in public_outputs(output.outputs).items()},
            "artifacts": [artifact.name for artifact in artifacts],
            **({"waived": list(approved.waived)} if approved.waived else {}),
        }
        summary = "Applied." if ok else f"terraform apply ended with exit code {output.exit_code}."
        # What it leaves is a state and not a version of the code, so it can be neither reverted to nor promoted.
        release = self._release(approved, applied) if ok and plan.operation is None else None
        await self.completion.end(
            run,
            status,
            failure,
            summary,
            detail,
            plan=plan,
            artifacts=artifacts,
            release=release,
            retries=retries,
        )

    def _release(self, approved: _Approved, applied: Applied) -> Release:
        made = Made(
            run=approved.run,
            source=approved.source,
            state=applied.after.identity,
            outputs=applied.output.outputs,
            changed=True,
            approvers=approved.approvers,
        )
        return release_of(approved.plan, made, self.completion.clock.now())

    async def _keep_artifacts(self, approved: _Approved, applied: Applied) -> tuple[Artifact, ...]:
        run, output, kept = approved.run, applied.output, []
        for name in approved.loaded.policy.environment(run.stack.env).artifacts:
            if name not in output.outputs:
                continue
            key = f"artifacts/{run.stack.state_key}/{run.id}/{name}"
            value = output.outputs[name].get("value")
            data = (value if isinstance(value, str) else json.dumps(value)).encode()
            keep = partial(self._keep, key, data)
            await persist(self.changes.retries, f"artifact {name} of run {run.id}", keep)
            now = self.completion.clock.now()
            kept.append(Artifact(run_id=run.id, name=name, object_key=key, created_at=now))
        return tuple(kept)

    async def _keep(self, key: str, data: bytes) -> None:
        try:
            await self.artifacts.create(key, data)
        except ObjectExistsError:
            # An earlier attempt whose answer was lost may have written it.
            if await self.artifacts.get(key) != data:
                raise

    async def _refused(self, run: Run, gates: tuple[GateResult, ...]) -> None:
        detail = {
            "problem": "refused",
            "refusals": [
                {"gate": g.gate, "reason": str(g.reason), "sentence": g.sentence, "opens_with": g.opens_with}
                for g in gates
            ],
        }
        await self.completion.end(run, RunStatus.FAILED, FailureClass.POLICY, gates[0].sentence, detail)
