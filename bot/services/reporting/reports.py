"""Reports the results of runs on the pull request; every text is rendered from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.answers.status import ActiveRun, LastApply, StatusRow, StatusView
from bot.comments.markdown.words import Step, command
from bot.comments.runs.apply import apply_comment
from bot.comments.runs.failures import plan_failed_comment
from bot.comments.runs.report import RunView
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import (
    PlanLane,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Stack,
)
from bot.domain.core.run_lifecycle import ACTIVE, TERMINAL
from bot.domain.plans.plan import PlanRecord, lane_of
from bot.domain.state.operations import command_of
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Records
from bot.services.reporting.head_checks import Checks
from bot.services.reporting.next_steps import after_apply, after_status
from bot.services.reporting.plan_comments import PlanComments, is_tenanted, plan_key, revert_view
from bot.services.reporting.posting import Poster
from bot.services.reporting.statuses import Statuses
from bot.services.runs.links import Links
from bot.services.runs.requests import Trigger
from bot.services.stacks.policies import Policies

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 10
"""Comments to update because of one event, since GitHub limits writes; the others follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Writes comments, reactions, checks and deployments of runs."""

    records: Records
    github: GitHub
    policies: Policies
    plan_comments: PlanComments
    poster: Poster
    checks: Checks
    statuses: Statuses
    links: Links
    clock: Clock

    async def report_plan(self, run_id: RunId) -> None:
        """Report the result of a plan run; repeating it posts nothing twice."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.detail.get("superseded"):
            await self._react(repo, run)
            # The check may still show this run as in progress.
            await self._checks(run)
            return
        if run.status is RunStatus.SUCCEEDED and run.plan_id is not None:
            await self.plan_comments.report(repo, run.plan_id, asked_by=run.comment_id)
        elif await self._is_newest(run):
            async with self.records.read() as reader:
                revert = await reader.revert(run.id)
            lane = lane_of(None if revert is None else revert.target, run.operation)
            steps = _again(run, lane)
            body = plan_failed_comment(RunView(run=run, run_url=self.links.run(run.id), next_steps=steps))
            key = plan_key(run.pull, run.stack, lane)
            await self.poster.sticky(repo, run.pull, key, body, asked_by=run.comment_id)
        # The answer to the command comes before updates of lower priority.
        await self._react(repo, run)
        await self._checks(run)

    async def report_change(self, run_id: RunId) -> None:
        """Report the result of a change; updates the plan comment, checks and deployment."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        async with self.records.read() as reader:
            plan = await reader.plan(run.plan_id) if run.plan_id else None
            replans = await reader.runs(
                repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,), statuses=ACTIVE
            )
            verified = await reader.verifications(run.stack, release=run.plan_id, limit=1) if plan else ()
            revert = await revert_view(reader, plan) if plan else None
            others = await reader.plan_outlines(repo=run.stack.repo, pull=run.pull)
        policy = await self._policy(repo)
        view = RunView(
            run=run,
            run_url=self.links.run(run.id),
            plan=plan,
            replanned=any(other.stack.state_key == run.stack.state_key for other in replans),
            url_output=_url_output(policy, run.stack),
            keeps_lock=await self._keeps_lock(repo, run),
            verification=verified[0] if verified else None,
            revert=revert,
            next_steps=after_apply(run, policy, others) if policy is not None else (),
        )
        await self.poster.once(
            repo, run.pull, f"report:{run.id}", apply_comment(view), asked=run.comment_id is not None
        )
        await self._react(repo, run)
        if plan is not None:
            await self.plan_comments.refresh(repo, plan.id)
            await self.plan_comments.show(repo.full_name)
            await self._refresh_waiting(repo, run)
        await self.statuses.request_deployment(run)
        await self._checks(run)

    async def _refresh_waiting(self, repo: Repo, run: Run) -> None:
        """Update the comments of the pull request's other plans."""
        # This apply may have opened or shut their gates, for example the promotion to the next environment.
        if run.pull is not None and (pull := await self.github.pull(repo, run.pull)).is_open:
            await self.plan_comments.refresh_judged(repo, pull)

    async def announce_change(self, run_id: RunId) -> None:
        """Show that a change has begun; does nothing if it has ended."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.plan_id is not None and run.status not in TERMINAL:
            await self.plan_comments.refresh(repo, run.plan_id)
        await self.statuses.request_deployment(run)

    async def refresh_checks(self, repo: Repo, pull: PullRequest, *, planning: bool = False) -> None:
        """Request an update of the check runs of the pull request's head.

        `planning`: only a plan run was queued.
        """
        await self.statuses.request_checks(repo.full_name, pull.number, pull.head_sha, planning=planning)

    async def conflict_checks(self, repo: Repo, pull: PullRequest, paths: Sequence[str]) -> None:
        """Fail both checks because the pull request does not merge."""
        await self.checks.conflict(repo, pull.number, pull.head_sha, paths)

    async def status(self, trigger: Trigger, policy: RepoPolicy) -> StatusView:
        """Gather the content of `/status`."""
        repo, pull = trigger.repo, trigger.pull
        async with self.records.read() as reader:
            plans = await reader.plans(repo=repo.full_name, pull=pull.number)
            active = await reader.runs(repo=repo.full_name, pull=pull.number, statuses=ACTIVE)
            rows = []
            for stack in policy.stacks(repo.full_name, pull=pull.number):
                if policy.environment(stack.env).trigger == "local":
                    continue
                version = await reader.last_applied(stack.state_key)
                last = (
                    LastApply(
                        actor=version.actor,
                        at=version.taken_at,
                        commit=version.commit,
                        serial=version.identity.serial,
                    )
                    if version is not None
                    else None
                )
                ours = [plan for plan in plans if _same(plan.stack, stack)]
                newest = next((plan for plan in ours if _may_be_shown(plan)), None)
                lock = await reader.lock(stack)
                rows.append(StatusRow(stack=stack, plan=newest, lock=lock, last_apply=last))
        return StatusView(
            pull=pull.number,
            head_sha=pull.head_sha,
            now=self.clock.now(),
            rows=rows,
            next_steps=after_status(pull, policy, rows) if not active else (),
            active=[ActiveRun(run=run, url=self.links.run(run.id)) for run in active],
            reference=trigger.correlation_id,
        )

    async def _is_newest(self, run: Run) -> bool:
        """Whether no later plan run of the stack determines its comment."""
        async with self.records.read() as reader:
            runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,))
        # State operations have their own comment, and a canceled run must not replace the comment of a later one.
        rivals = [other for other in runs if (other.operation is None) == (run.operation is None)]
        return next((other.id for other in rivals if _same(other.stack, run.stack)), run.id) == run.id

    async def _ended(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        return run if run is not None and run.status in TERMINAL else None

    async def _checks(self, run: Run) -> None:
        if run.pull is not None and run.head_sha is not None:
            await self.statuses.request_checks(run.stack.repo, run.pull, run.head_sha)

    async def _react(self, repo: Repo, run: Run) -> None:
        """Add a rocket or a confused face to the comment, once all of its runs have ended."""
        if run.comment_id is None or run.pull is None:
            return
        async with self.records.read() as reader:
            runs = await reader.runs(repo=repo.full_name, pull=run.pull)
        asked = [other for other in runs if other.comment_id == run.comment_id]
        if any(other.status not in TERMINAL for other in asked):
            return
        good = all(other.status is RunStatus.SUCCEEDED for other in asked)
        await self.github.react(repo, run.comment_id, "rocket" if good else "confused")

    async def _keeps_lock(self, repo: Repo, run: Run) -> bool:
        """Whether the pull request keeps the lock of the stack after this run."""
        async with self.records.read() as reader:
            lock = await reader.lock(run.stack)
        if lock is None or (lock.stack.repo, lock.pull) != (run.stack.repo, run.pull):
            return False
        # An environment of a pull request is destroyed, not unlocked, when the pull request is closed.
        return not await is_tenanted(self.policies, repo, run.stack)

    async def _policy(self, repo: Repo) -> RepoPolicy | None:
        try:
            return (await self.policies.recent(repo)).policy
        except PolicyError:
            return None


def _url_output(policy: RepoPolicy | None, stack: Stack) -> str | None:
    known = policy is not None and stack.env in policy.environments
    return policy.environment(stack.env).url_output if policy is not None and known else None


def _may_be_shown(plan: PlanRecord) -> bool:
    """Whether `/status` may show this plan as the newest of its stack."""
    # A plan of a state operation says nothing about the code, so it is shown only as long as it can be applied.
    return plan.operation is None or plan.status is PlanStatus.PLANNED


def _again(run: Run, lane: PlanLane) -> tuple[Step, ...]:
    """Return the step that plans a revert or state operation again; empty for plans of code."""
    if lane is PlanLane.CODE:
        return ()
    again = command("revert", run.stack) if run.operation is None else command_of(run.operation, run.stack)
    return (Step(sentence="To retry", command=again),)


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)
