"""Executing a plan run: from a commit to a stored plan, as one repeatable step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import (
    CommitMissingError,
    GatewrightError,
    GitHubLagError,
    TerraformStoppedError,
)
from bot.domain.core.heads import LAG, is_of_head
from bot.domain.core.model import (
    FailureClass,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
)
from bot.domain.plans.code_findings import CodeReport
from bot.domain.plans.plan import PlanRecord
from bot.domain.state.operations import block
from bot.ports import (
    Clock,
    GitHub,
    GitTree,
    Records,
    Terraform,
    TerraformJob,
    Workspace,
)
from bot.services.planning.existing_states import ExistingStates
from bot.services.planning.merged_bases import merged_as, require_merged
from bot.services.planning.omissions import explained
from bot.services.planning.plan_operations import hints, refuse_others
from bot.services.planning.plan_records import Subject, plan_record
from bot.services.planning.plan_storage import PlanStorage
from bot.services.planning.shared_answers import SharedAnswers
from bot.services.runs.credentials import Credentials
from bot.services.runs.plan_inputs import checked_inputs, root_module
from bot.services.runs.run_completion import Ending, RunCompletion
from bot.services.runs.run_execution import execute, failure_of
from bot.services.runs.stopwatch import Stopwatch, together
from bot.services.runs.terraform_jobs import TerraformJobs
from bot.services.runs.tree_runs import plan_tree
from bot.services.stacks.plannable import refuse_unplannable
from bot.services.stacks.policies import LoadedPolicy, Policies
from bot.services.stacks.releases import InPlace
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.states import States
from bot.services.stacks.touched import Trees, input_tree


class SupersededError(GatewrightError):
    """The pull request moved on while the run was waiting; nothing has to be planned any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Makes plans of a pull request's code."""

    records: Records
    github: GitHub
    workspace: Workspace
    terraform: Terraform
    clock: Clock
    policies: Policies
    trees: Trees
    states: States
    credentials: Credentials
    jobs: TerraformJobs
    keeping: PlanStorage
    owners: StateOwners
    existing: ExistingStates
    completion: RunCompletion
    answers: SharedAnswers = field(default_factory=SharedAnswers, repr=False)

    async def execute(self, run_id: RunId) -> None:
        """Plan, and record how it ended.

        Raises only temporary errors, so that the step is retried.
        """
        watch, notes = Stopwatch(), dict[str, Any]()

        async def plan(run: Run) -> None:
            record, found = await self._plan(run, watch, notes)
            await self.keeping.store(run, record, found, {"seconds": watch.seconds, **notes})

        def ended_by(run: Run, error: GatewrightError) -> Ending:
            return self._ended_by(run, error, notes)

        await execute(self.completion, run_id, plan, why="checking out", ended_by=ended_by)

    def _ended_by(self, run: Run, error: GatewrightError, notes: Mapping[str, Any]) -> Ending:
        ending = failure_of(run, error)
        if isinstance(error, SupersededError):
            return replace(
                ending,
                status=RunStatus.CANCELED,
                failure=FailureClass.CANCELED,
                detail={"superseded": True},
            )
        if isinstance(error, CommitMissingError) and self.clock.now() - run.created_at < LAG:
            raise GitHubLagError(str(error)) from error
        return replace(ending, detail={**ending.detail, **hints(run, error), **notes})

    async def _plan(
        self, run: Run, watch: Stopwatch, notes: dict[str, Any]
    ) -> tuple[PlanRecord, InPlace | None]:
        """Plan; `notes` are kept with the run however it ends."""
        subject = await self._subject(run, watch)
        await self.owners.claim(subject.stack)
        await refuse_unplannable(self.trees, subject.repo, subject.loaded.policy, subject.stack, subject.tree)
        key = subject.stack.state_key
        files = await root_module(self.workspace, subject.repo, subject.stack, subject.tree)
        inputs = await checked_inputs(self.credentials, subject.stack, subject.loaded.policy.engine, files)
        async with (
            self.workspace.state_lock(key, exclusive=False),
            self.workspace.slot(subject.stack) as slot,
        ):
            reviewed = self._reviewed(subject)
            laid, (identity, state) = await together(
                self.workspace.lay_out(slot, reviewed), self.states.read(key)
            )
            engine = subject.loaded.policy.engine.name
            await self.existing.of_tree(subject.stack, engine, identity, repo=subject.repo, tree=subject.tree)
            await self.running(run)
            watch.lap("checkout")
            redactor = self.credentials.redactor(subject.stack.env).with_more(inputs.secrets)
            job = await self.jobs.build(
                run, subject.stack, subject.loaded.policy, slot, redactor, purpose="plan"
            )
            if run.operation is not None:
                job = replace(job, declaration=block(run.operation))
            checks = subject.loaded.policy.environment(subject.stack.env).code_checks
            if checks and run.kind is RunKind.PLAN and run.operation is None:
                notes["code"] = (await self._checked(job, reviewed, checks)).as_detail()
                laid = await self.workspace.lay_out(slot, reviewed)
                watch.lap("code")
            async with explained(subject.loaded.policy, subject.stack, subject.tree, slot):
                output, left = await plan_tree(
                    self.workspace, self.terraform, job, reviewed, laid, arguments=run.arguments, state=state
                )
            watch.inside(output.seconds)
            refuse_others(run, output)
            planned = await self.keeping.keep(
                run, job, redactor, output, identity, reviewed=reviewed, left=left
            )
            record = plan_record(subject, planned, self.clock.now())
            found = await self.keeping.in_place(run, subject.loaded.policy, record, planned, output=output)
            watch.lap("summarise and store")
        watch.lap("release")
        return record, found

    def _reviewed(self, subject: Subject) -> GitTree:
        paths = input_tree(subject.loaded.policy, subject.stack, subject.tree)
        return GitTree(repo=subject.repo, tree=subject.tree.merge.tree, paths=paths)

    async def _checked(self, job: TerraformJob, reviewed: GitTree, names: Collection[str]) -> CodeReport:
        """Check the code.

        Tests run programs of the tree, so they start from a tree where nothing has run.
        """
        report = await self.terraform.check_code(job, [name for name in names if name != "test"])
        if "test" not in names or report.outcomes.get("validate"):
            return report
        await self.workspace.lay_out(job.slot, reviewed)
        return report.joined(await self.terraform.check_code(job, ["test"]))

    async def for_sync(self, run: Run) -> PlanRecord:
        """Plan the base's tip for a run that continues afterwards, and record the plan with it."""
        record, found = await self._plan(run, Stopwatch(), {})
        async with self.records.write() as writer:
            await writer.add_plan(record)
            if found is not None:
                # Its verification follows at the end of the run, as that of an apply does.
                await writer.add_release(found.release)
            await writer.move_run(
                run.id,
                RunStatus.RUNNING,
                at=self.clock.now(),
                actor=SELF,
                why="comparing with what was reviewed",
                plan_id=record.id,
            )
        return record

    async def _subject(self, run: Run, watch: Stopwatch) -> Subject:
        known = await self.github.known_repository(run.stack.repo)
        (repo, pull), early = await self._asked(run, known)
        await self._refuse_superseded(run, repo, pull)
        loaded = early if early is not None and repo == known else await self.policies.load(repo)
        stack = loaded.policy.stack(repo.full_name, run.stack.env, run.stack.project, pull=pull.number)
        base = (
            loaded.commit
            if pull.base_ref == repo.default_branch
            else await self.github.branch_head(repo, pull.base_ref)
        )
        watch.lap("github")
        commit = merged_as(run, pull)
        if run.kind is RunKind.SYNC:
            pull = replace(pull, head_sha=base)
        tree = await self.trees.merged(repo, pull, base=base, head=pull.head_sha)
        await require_merged(self.trees, repo, pull, commit=commit, tip=base, now=self.clock.now())
        watch.lap("merge")
        return Subject(run=run, repo=repo, pull=pull, loaded=loaded, stack=stack, base=base, tree=tree)

    async def _early_policy(self, known: Repo) -> LoadedPolicy | None:
        """Return the policy of a repository as it was read last.

        None where that may be why it cannot be read.
        """
        try:
            return await self.policies.load(known)
        except GatewrightError:
            return None

    async def _asked(self, run: Run, known: Repo) -> tuple[tuple[Repo, PullRequest], LoadedPolicy | None]:
        """Return the pull request and the policy in force, as GitHub has them now."""
        if run.pull is None:
            raise GatewrightError("a plan run needs a pull request")
        number = run.pull

        async def ask() -> tuple[tuple[Repo, PullRequest], LoadedPolicy | None]:
            return await together(self.github.subject(run.stack.repo, number), self._early_policy(known))

        if run.kind is not RunKind.PLAN:
            return await ask()
        push = (known.full_name, number, run.head_sha, run.head_number, run.correlation_id)
        asked: tuple[tuple[Repo, PullRequest], LoadedPolicy | None] = await self.answers.get(push, ask)
        return asked

    async def _refuse_superseded(self, run: Run, repo: Repo, pull: PullRequest) -> None:
        if run.kind is RunKind.SYNC:
            return
        if not pull.is_open:
            raise SupersededError("The pull request was closed.")
        if not is_of_head(run, pull):
            raise SupersededError(f"A newer commit, {pull.head_sha[:7]}, took its place.")
        if pull.is_fork:
            async with self.records.read() as reader:
                if not await reader.is_allowed(repo.full_name, pull.number, pull.head_sha):
                    raise SupersededError("The commit is a fork's, and no maintainer has allowed it.")

    async def running(self, run: Run) -> None:
        """Record that Terraform is about to start.

        Raises TerraformStoppedError where it was canceled.
        """
        async with self.records.write() as writer:
            now = await writer.run(run.id)
            if now is not None and now.cancel_requested_by is not None:
                raise TerraformStoppedError(f"Canceled by {now.cancel_requested_by}.", timed_out=False)
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor=SELF, why="terraform plan"
            )
