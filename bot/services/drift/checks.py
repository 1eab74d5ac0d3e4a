"""Look for drift: refresh-only plans of the base's tip.

A check runs in the same queue as the changes of its state, one at a time, so it never meets an apply. It
locks nothing and has the credentials of a plan; after an interruption it is repeated.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.core.accounts import SELF
from bot.domain.core.model import (
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
)
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.plans.plan import Action, PlanSummary
from bot.domain.plans.plan_json import summarise
from bot.domain.releases.drift_checks import as_detail, drift_line, how_many
from bot.domain.secrets.sensitive import sensitive_values
from bot.ports import (
    Clock,
    GitHub,
    GitTree,
    PlanMode,
    Records,
    Terraform,
    Workspace,
    Writer,
)
from bot.services.runs.credentials import Credentials
from bot.services.runs.new_runs import Cause, new_run, queue_run
from bot.services.runs.plan_inputs import checked_inputs, root_module
from bot.services.runs.requests import Trigger
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_execution import execute
from bot.services.runs.run_logs import RunLogs
from bot.services.runs.terraform_jobs import TerraformJobs
from bot.services.runs.tree_runs import plan_tree
from bot.services.stacks.drift_checks import newest_check, running_check
from bot.services.stacks.plannable import refuse_unplannable
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.states import States
from bot.services.stacks.touched import Trees, input_tree


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
    jobs: TerraformJobs
    logs: RunLogs
    completion: RunCompletion
    clock: Clock

    # --- Asking for it ----------------------------------------------------------------------------------

    async def request(self, trigger: Trigger, stack: Stack) -> Run | None:
        """Queue a check that was requested.

        Returns the unfinished one that blocks it, if any.
        """
        now = self.clock.now()
        async with self.records.write() as writer:
            other = await running_check(writer, stack)
            if other is not None and other.comment_id != trigger.comment_id:
                return other
            await queue_run(writer, trigger.run(now, RunKind.DRIFT, stack), now)
        return None

    async def queue_due(self, repo: Repo, loaded: LoadedPolicy) -> None:
        """Queue the checks of a repository that are due by its policy."""
        for stack in loaded.policy.stacks(repo.full_name):
            every = loaded.policy.environment(stack.env).drift_every
            if every is not None:
                await self._queue_due(repo, loaded, stack, every)

    async def after_change(self, run_id: RunId) -> None:
        """Check again after a change of a stack that had drifted: the change may have fixed it."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status not in TERMINAL or run.intent_at is None:
                return
            if run.kind is RunKind.DATA_REFRESH:
                return
            last = await newest_check(writer, run.stack)
            if last is None or not how_many(last) or await running_check(writer, run.stack) is not None:
                return
            await self._queue(writer, run.stack, run.installation_id, run.base_sha, cause=f"after:{run.id}")

    async def _queue_due(self, repo: Repo, loaded: LoadedPolicy, stack: Stack, every: timedelta) -> None:
        now = self.clock.now()
        async with self.records.write() as writer:
            # A check that takes longer than the schedule is not joined by another one.
            if await running_check(writer, stack) is not None:
                return
            if await writer.take_turn(f"drift:{stack.repo}:{stack.state_key}", at=now, every=every):
                cause = f"schedule:{now.isoformat()}"
                await self._queue(writer, stack, repo.installation_id, loaded.commit, cause=cause)

    async def _queue(
        self, writer: Writer, stack: Stack, installation_id: int, base: Sha | None, *, cause: str
    ) -> None:
        now = self.clock.now()
        why = Cause(
            installation_id=installation_id, actor=SELF, correlation_id=cause, head_sha=base, base_sha=base
        )
        key = f"drift:{stack.repo}:{stack.state_key}:{cause}"
        await queue_run(writer, new_run(why, now, RunKind.DRIFT, stack, dedupe_key=key), now)

    # --- Doing it ---------------------------------------------------------------------------------------

    async def execute(self, run_id: RunId) -> None:
        """Check for drift, and record the result.

        Raises only temporary errors, so that the step is retried.
        """
        await execute(self.completion, run_id, self._look, why="checking out the base")

    async def _look(self, run: Run) -> None:
        async with self.records.write() as writer:
            at, why = self.clock.now(), "terraform plan -refresh-only"
            await writer.move_run(run.id, RunStatus.RUNNING, at=at, actor=SELF, why=why)
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
        said = "It is not deployed yet." if found is None else drift_line(len(rows), gone)
        await self.completion.end(run, RunStatus.SUCCEEDED, None, said, detail)

    async def _found(
        self, run: Run, repo: Repo, loaded: LoadedPolicy, stack: Stack
    ) -> tuple[StateIdentity, PlanSummary | None]:
        """Return the state and its refresh-only plan, None if there is no state."""
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
            job = await self.jobs.build(run, stack, loaded.policy, slot, redactor, purpose="plan")
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
            # Terraform prints the drift before it is known which of its values are secret.
            await self.logs.cleanse(run.id, redactor.with_more(sensitive_values(output.json)))
        return state, summary
