"""Executing a plan run: from a commit to a stored plan, as one repeatable step."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.errors import (
    GatewrightError,
    TerraformStoppedError,
)
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import (
    FailureClass,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
)
from bot.domain.plan import PlanRecord, PlanSummary
from bot.domain.plan_json import summarise
from bot.domain.redaction import Redactor
from bot.ports import (
    Cipher,
    Clock,
    GitHub,
    ObjectStore,
    PlanOutput,
    Records,
    Slot,
    Terraform,
    TerraformJob,
    Workspace,
)
from bot.services.failures import describe
from bot.services.ids import new_plan_id
from bot.services.jobs import Credentials, Limits, LineSink, RunLogs, StopOnRequest, bounded
from bot.services.policies import LoadedPolicy, Policies
from bot.services.stacks import MergedTree, Trees, inputs_digest
from bot.services.states import States


class SupersededError(GatewrightError):
    """The pull request moved on while the run was waiting; nothing has to be planned any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """Everything that is fixed before Terraform starts."""

    run: Run
    repo: Repo
    pull: PullRequest
    loaded: LoadedPolicy
    stack: Stack
    base: Sha
    tree: MergedTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Makes and stores plans."""

    records: Records
    github: GitHub
    workspace: Workspace
    terraform: Terraform
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock
    policies: Policies
    trees: Trees
    states: States
    credentials: Credentials
    logs: RunLogs
    limits: Limits

    async def execute(self, run_id: RunId) -> None:
        """Plan, and record how it ended. Raises only what is passing, so that the step is tried again."""
        run = await self._begin(run_id)
        if run is None:
            return
        try:
            record = await self._plan(run)
        except SupersededError as error:
            await self._end(run, RunStatus.CANCELED, FailureClass.CANCELED, str(error), {"superseded": True})
        except GatewrightError as error:
            if error.passing:
                raise
            await self._end(run, _status_of(error), error.failure_class, _first_line(error), describe(error))
        else:
            await self._store(run, record)

    async def _begin(self, run_id: RunId) -> Run | None:
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status in TERMINAL:
                return None
            if run.cancel_requested_by is not None:
                await writer.set_result(run_id, summary=f"Canceled by {run.cancel_requested_by}.", detail={})
                await writer.move_run(
                    run_id,
                    RunStatus.CANCELED,
                    at=self.clock.now(),
                    actor=run.cancel_requested_by,
                    why="canceled before it started",
                    failure_class=FailureClass.CANCELED,
                )
                return None
            await writer.move_run(
                run_id, RunStatus.PREPARING, at=self.clock.now(), actor="gatewright", why="checking out"
            )
        return run

    async def _plan(self, run: Run) -> PlanRecord:
        subject = await self._subject(run)
        log = self.logs.open(run.id)
        async with (
            self.workspace.state_lock(subject.stack.state_key, exclusive=False),
            self.workspace.slot(subject.stack) as slot,
        ):
            await self.workspace.checkout(subject.repo, slot, subject.tree.merge.tree)
            identity, _ = await self.states.read(subject.stack.state_key)
            await self._running(run)
            redactor = self.credentials.redactor(run.stack.env)
            job = self._job(subject, slot, LineSink(log, redactor), redactor)
            output = await self.terraform.plan(job, run.arguments)
            summary, plan_bytes = await asyncio.to_thread(_digest_output, run, output, redactor)
            log.write(summary.text)
            plan_id = new_plan_id()
            bundle_key = f"plans/{subject.repo.full_name}/{plan_id}"
            await self._keep(bundle_key, plan_bytes, await self.workspace.pack(slot))
        log_key = await self.logs.store(run.id)
        return self._record(
            subject=subject,
            slot_name=slot.name,
            identity=identity,
            summary=summary,
            plan_id=plan_id,
            bundle_key=bundle_key,
            plan_bytes=plan_bytes,
            log_key=log_key,
        )

    async def _subject(self, run: Run) -> _Subject:
        repo = await self.github.repository(run.stack.repo)
        pull = await self._current_pull(repo, run)
        loaded = await self.policies.load(repo)
        stack = loaded.policy.stack(repo.full_name, run.stack.env, run.stack.project, pull=pull.number)
        base = (
            loaded.commit
            if pull.base_ref == repo.default_branch
            else await self.github.branch_head(repo, pull.base_ref)
        )
        tree = await self.trees.merged(repo, pull, base=base, head=pull.head_sha)
        return _Subject(run=run, repo=repo, pull=pull, loaded=loaded, stack=stack, base=base, tree=tree)

    async def _current_pull(self, repo: Repo, run: Run) -> PullRequest:
        if run.pull is None:
            raise GatewrightError("a plan run needs a pull request")
        pull = await self.github.pull(repo, run.pull)
        if not pull.is_open:
            raise SupersededError("The pull request was closed.")
        if pull.head_sha != run.head_sha:
            raise SupersededError(f"A newer commit, {pull.head_sha[:7]}, took its place.")
        return pull

    async def _running(self, run: Run) -> None:
        async with self.records.write() as writer:
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor="gatewright", why="terraform plan"
            )

    def _job(self, subject: _Subject, slot: Slot, sink: LineSink, redactor: Redactor) -> TerraformJob:
        stack = subject.stack
        return TerraformJob(
            slot=slot,
            directory=stack.directory,
            var_file=stack.var_file,
            engine=subject.loaded.policy.engine,
            backend=self.credentials.backend(stack, purpose="plan"),
            environment=self.credentials.environment(stack.env, purpose="plan"),
            redact=redactor,
            timeout=bounded(self.limits.plan_timeout, subject.loaded.policy.timeouts.plan),
            on_line=sink,
            stop=StopOnRequest(records=self.records, run_id=subject.run.id),
        )

    async def _keep(self, key: str, plan_file: bytes, bundle: bytes) -> None:
        for name, data in (("plan", plan_file), ("work", bundle)):
            sealed = await asyncio.to_thread(self.cipher.seal, data, context=f"{key}/{name}")
            await self.artifacts.put(f"{key}/{name}", sealed, create_only=True)

    def _record(
        self,
        *,
        subject: _Subject,
        slot_name: str,
        identity: StateIdentity,
        summary: PlanSummary,
        plan_id: PlanId,
        bundle_key: str,
        plan_bytes: bytes,
        log_key: str,
    ) -> PlanRecord:
        policy, stack, now = subject.loaded.policy, subject.stack, self.clock.now()
        return PlanRecord(
            id=plan_id,
            run_id=subject.run.id,
            stack=stack,
            pull=subject.pull.number,
            head_sha=subject.pull.head_sha,
            base_sha=subject.base,
            merge_tree=subject.tree.merge.tree,
            inputs_digest=inputs_digest(policy, stack, subject.tree),
            var_file_digest=subject.tree.files.get(stack.var_file or ""),
            change_digest=summary.change_digest,
            plan_sha256=hashlib.sha256(plan_bytes).hexdigest(),
            engine=f"{policy.engine.name} {summary.terraform_version}",
            arguments=subject.run.arguments,
            state_serial=identity.serial,
            state_lineage=identity.lineage,
            policy_digest=policy.digest,
            slot=slot_name,
            bundle_key=bundle_key,
            log_key=log_key,
            has_changes=summary.has_changes,
            status=PlanStatus.PLANNED if summary.has_changes else PlanStatus.NO_CHANGES,
            status_reason=None,
            summary=summary,
            created_by=subject.run.actor,
            created_at=now,
            posted_at=None,
            expires_at=now + timedelta(seconds=policy.plan_expires_seconds),
        )

    async def _store(self, run: Run, record: PlanRecord) -> None:
        async with self.records.write() as writer:
            for older in await writer.plans(
                repo=run.stack.repo,
                pull=run.pull,
                stack=run.stack,
                statuses=(PlanStatus.PLANNED, PlanStatus.NO_CHANGES),
            ):
                await writer.set_plan_status(older.id, PlanStatus.STALE, f"replaced by {record.id}")
            await writer.add_plan(record)
            await writer.set_result(run.id, summary=_counts_line(record), detail={})
            await writer.move_run(
                run.id,
                RunStatus.SUCCEEDED,
                at=self.clock.now(),
                actor="gatewright",
                why="plan stored",
                plan_id=record.id,
            )

    async def _end(
        self, run: Run, status: RunStatus, failure: FailureClass, summary: str, detail: Mapping[str, Any]
    ) -> None:
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)
        async with self.records.write() as writer:
            await writer.set_result(run.id, summary=summary, detail=detail)
            await writer.move_run(
                run.id, status, at=self.clock.now(), actor="gatewright", why=summary, failure_class=failure
            )


def _digest_output(run: Run, output: PlanOutput, redactor: Redactor) -> tuple[PlanSummary, bytes]:
    summary = summarise(
        output.json, output.text, arguments=run.arguments, warnings=output.warnings, redact=redactor
    )
    return summary, output.plan_file.read_bytes()


def _counts_line(record: PlanRecord) -> str:
    counts = record.summary.counts
    if not record.has_changes:
        return "No changes."
    return f"{counts.add} to add, {counts.change} to change, {counts.replace} to replace, {counts.destroy} to destroy."


def _status_of(error: GatewrightError) -> RunStatus:
    if isinstance(error, TerraformStoppedError):
        return RunStatus.TIMED_OUT if error.timed_out else RunStatus.CANCELED
    return RunStatus.FAILED


def _first_line(error: GatewrightError) -> str:
    return (str(error).split("\n", 1)[0] or type(error).__name__)[:500]
