"""Looking for changes that were made outside Terraform: refresh-only plans of the base's tip.

A check runs in the same queue as the changes of its state, one at a time, so it never meets an apply. It takes no
lock and has the credentials of a plan; cut off, it is simply repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.drift_checks import as_detail, drift_line, how_many
from bot.domain.errors import GatewrightError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import (
    FailureClass,
    Login,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
)
from bot.domain.plan import Action, PlanSummary
from bot.domain.plan_json import summarise
from bot.domain.sensitive import sensitive_values
from bot.ports import (
    Clock,
    GitHub,
    GitTree,
    NewRun,
    PlanMode,
    Reader,
    Records,
    Terraform,
    TerraformJob,
    Workspace,
    Writer,
)
from bot.services.failures import describe, status_of
from bot.services.following import job_of
from bot.services.ids import new_run_id
from bot.services.jobs import Credentials, Limits, LineSink, RunLogs, StopOnRequest, bounded
from bot.services.module_access import with_modules
from bot.services.plan_inputs import checked_inputs, root_module
from bot.services.plannable import refuse_unplannable
from bot.services.policies import LoadedPolicy, Policies
from bot.services.requesting import ACTIVE, Wish, end_before_start, new_run
from bot.services.stacks import Trees, input_tree
from bot.services.state_owners import StateOwners
from bot.services.states import States
from bot.services.tree_runs import plan_tree

_NOBODY = Login("gatewright")
"""Who is recorded as the one who wanted what nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifting:
    """Runs of kind `drift`."""

    records: Records
    github: GitHub
    policies: Policies
    trees: Trees
    workspace: Workspace
    terraform: Terraform
    states: States
    owners: StateOwners
    credentials: Credentials
    logs: RunLogs
    limits: Limits
    clock: Clock

    # --- Asking for it ----------------------------------------------------------------------------------

    async def request(self, wish: Wish, stack: Stack) -> Run | None:
        """Queue a check that somebody asked for; returns the unfinished one that is in its way, if any."""
        now = self.clock.now()
        async with self.records.write() as writer:
            other = await _unfinished(writer, stack)
            if other is not None and other.comment_id != wish.comment_id:
                return other
            run = await writer.add_run(new_run(wish, now, RunKind.DRIFT, stack), now)
            if run is not None:
                await writer.enqueue(job_of(run))
        return None

    async def queue_due(self, repo: Repo, loaded: LoadedPolicy) -> None:
        """Queue the checks of a repository that are due by its policy."""
        for stack in loaded.policy.stacks(repo.full_name):
            every = loaded.policy.environment(stack.env).drift_every
            if every is not None:
                await self._queue_due(repo, loaded, stack, every)

    async def after_change(self, run_id: RunId) -> None:
        """Look again after a change of a stack that had drifted: the change may have put it right."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status not in TERMINAL or run.intent_at is None:
                return
            if run.kind is RunKind.DATA_REFRESH:
                return
            last = await newest_check(writer, run.stack)
            if last is None or not how_many(last) or await _unfinished(writer, run.stack) is not None:
                return
            await self._queue(writer, run.stack, run.installation_id, run.base_sha, cause=f"after:{run.id}")

    async def _queue_due(self, repo: Repo, loaded: LoadedPolicy, stack: Stack, every: timedelta) -> None:
        now = self.clock.now()
        async with self.records.write() as writer:
            # A check that takes longer than the schedule is not joined by another one.
            if await _unfinished(writer, stack) is not None:
                return
            if await writer.take_turn(f"drift:{stack.repo}:{stack.state_key}", at=now, every=every):
                cause = f"schedule:{now.isoformat()}"
                await self._queue(writer, stack, repo.installation_id, loaded.commit, cause=cause)

    async def _queue(
        self, writer: Writer, stack: Stack, installation_id: int, base: Sha | None, *, cause: str
    ) -> None:
        now = self.clock.now()
        new = NewRun(
            id=new_run_id(now),
            kind=RunKind.DRIFT,
            stack=stack,
            installation_id=installation_id,
            pull=None,
            head_sha=base,
            base_sha=base,
            actor=_NOBODY,
            comment_id=None,
            plan_id=None,
            arguments=(),
            policy_digest=None,
            correlation_id=cause,
            dedupe_key=f"drift:{stack.repo}:{stack.state_key}:{cause}",
        )
        run = await writer.add_run(new, now)
        if run is not None:
            await writer.enqueue(job_of(run))

    # --- Doing it ---------------------------------------------------------------------------------------

    async def execute(self, run_id: RunId) -> None:
        """Look, and record what was found. Raises only what is passing, so that the step is tried again."""
        run = await self._begin(run_id)
        if run is None:
            return
        try:
            await self._look(run)
        except GatewrightError as error:
            if error.passing:
                raise
            said = (str(error).split("\n", 1)[0] or type(error).__name__)[:500]
            await self._end(run, status_of(error), said, describe(error), error.failure_class)

    async def _begin(self, run_id: RunId) -> Run | None:
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status in TERMINAL:
                return None
            if run.cancel_requested_by is not None:
                await end_before_start(writer, run, run.cancel_requested_by, self.clock.now())
                return None
            for status, why in (
                (RunStatus.PREPARING, "checking out the base"),
                (RunStatus.RUNNING, "terraform plan -refresh-only"),
            ):
                await writer.move_run(run_id, status, at=self.clock.now(), actor="gatewright", why=why)
        return run

    async def _look(self, run: Run) -> None:
        repo = await self.github.repository(run.stack.repo)
        loaded = await self.policies.load(repo)
        stack = loaded.policy.stack(repo.full_name, run.stack.env, run.stack.project, pull=run.pull)
        await self.owners.claim(stack)
        state, found = await self._found(run, repo, loaded, stack)
        async with self.records.read() as reader:
            before = await newest_check(reader, run.stack)
        rows = () if found is None else found.drift
        detail = as_detail(rows, before=before, state=state, now=self.clock.now())
        gone = sum(row.action is Action.DESTROY for row in rows)
        said = (
            "There is no state yet, so nothing can have drifted."
            if found is None
            else drift_line(len(rows), gone)
        )
        await self._end(run, RunStatus.SUCCEEDED, said, detail, None)

    async def _found(
        self, run: Run, repo: Repo, loaded: LoadedPolicy, stack: Stack
    ) -> tuple[StateIdentity, PlanSummary | None]:
        """Return the state that was looked at, and the refresh-only plan of it; None where there is no state."""
        tree = await self.trees.moved(repo, repo.default_branch, before=loaded.commit, after=loaded.commit)
        await refuse_unplannable(self.trees, repo, loaded.policy, stack, tree)
        files = await root_module(self.workspace, repo, stack, tree)
        inputs = await checked_inputs(self.credentials, stack, loaded.policy.engine, files)
        async with (
            self.workspace.state_lock(stack.state_key, exclusive=False),
            self.workspace.slot(stack) as slot,
        ):
            paths = input_tree(loaded.policy, stack, tree)
            reviewed = GitTree(repo=repo, tree=tree.merge.tree, paths=paths)
            laid = await self.workspace.lay_out(slot, reviewed)
            state, data = await self.states.read(stack.state_key)
            if data is None:
                return state, None
            redactor = self.credentials.redactor(stack.env).with_more(inputs.secrets)
            job = TerraformJob(
                slot=slot,
                directory=stack.directory,
                var_file=stack.var_file,
                engine=loaded.policy.engine,
                backend=self.credentials.backend(stack, purpose="plan"),
                environment=self.credentials.environment(stack.env, purpose="plan"),
                redact=redactor,
                timeout=bounded(self.limits.plan_timeout, loaded.policy.timeouts.plan),
                on_line=LineSink(self.logs.open(run.id), redactor),
                stop=StopOnRequest(records=self.records, run_id=run.id),
            )
            job = with_modules(job, await self.credentials.module_access(stack.repo))
            output, _ = await plan_tree(
                self.workspace, self.terraform, job, reviewed, laid, mode=PlanMode.REFRESH_ONLY
            )
            summary = await asyncio.to_thread(
                summarise,
                output.json,
                output.text,
                arguments=(),
                warnings=output.warnings,
                redact=redactor,
                refresh_only=True,
            )
            # Terraform prints what it finds before anybody knows which of its values are secret.
            await self.logs.cleanse(run.id, redactor.with_more(sensitive_values(output.json)))
        return state, summary

    async def _end(
        self,
        run: Run,
        status: RunStatus,
        summary: str,
        detail: dict[str, object],
        failure: FailureClass | None,
    ) -> None:
        self.logs.open(run.id).write(summary)
        await self.logs.store(run.id)
        async with self.records.write() as writer:
            await writer.set_result(run.id, summary=summary, detail=detail)
            await writer.move_run(
                run.id, status, at=self.clock.now(), actor="gatewright", why=summary, failure_class=failure
            )


async def newest_check(reader: Reader, stack: Stack) -> Run | None:
    """Return the newest check of a stack that ended well."""
    return next(iter(await _checks(reader, stack, (RunStatus.SUCCEEDED,))), None)


async def _unfinished(reader: Reader, stack: Stack) -> Run | None:
    return next(iter(await _checks(reader, stack, ACTIVE)), None)


async def _checks(reader: Reader, stack: Stack, statuses: Sequence[RunStatus]) -> Sequence[Run]:
    return await reader.runs(
        repo=stack.repo, state_key=stack.state_key, kinds=(RunKind.DRIFT,), statuses=statuses, limit=1
    )
