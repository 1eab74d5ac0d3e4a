"""Reports the results of runs on the pull request; every text is rendered from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.answers.status import ActiveRun, LastApply, StatusRow, StatusView
from bot.comments.markdown.words import Step, command
from bot.comments.runs.failures import plan_failed_comment
from bot.comments.runs.report import RunView
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
from bot.services.reporting.apply_reports import ApplyReports
from bot.services.reporting.head_checks import Checks
from bot.services.reporting.next_steps import after_status
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reporting.separate_plans import plan_key
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
    applies: ApplyReports
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
            await self._report_failure(repo, run, run.pull)
        # The answer to the command comes before updates of lower priority.
        await self._react(repo, run)
        await self._checks(run)

    async def _report_failure(self, repo: Repo, run: Run, number: int) -> None:
        async with self.records.read() as reader:
            revert = await reader.revert(run.id)
        lane = lane_of(None if revert is None else revert.target, run.operation)
        if lane is PlanLane.CODE:
            await self.plan_comments.report_failure(repo, run)
            return
        view = RunView(run=run, run_url=self.links.run(run.id), next_steps=(_again(run),))
        await self.poster.sticky(
            repo,
            number,
            plan_key(number, run.stack, lane),
            plan_failed_comment(view),
            below=run.comment_id,
            asked=run.comment_id is not None,
        )

    async def report_change(self, run_id: RunId) -> None:
        """Report the result of a change; updates the plan comment, checks and deployment."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        await self.applies.ended(repo, run)
        await self._react(repo, run)
        if run.plan_id is not None:
            await self.plan_comments.refresh(repo, run.plan_id)
            await self.plan_comments.show(repo.full_name)
        await self.statuses.request_deployment(run)
        await self._checks(run)

    async def announce_change(self, run_id: RunId) -> None:
        """Show that a change has begun; does nothing if it has ended."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.plan_id is not None and run.status not in TERMINAL:
            await self.applies.begun(repo, run)
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


def _may_be_shown(plan: PlanRecord) -> bool:
    """Whether `/status` may show this plan as the newest of its stack."""
    # A plan of a state operation says nothing about the code, so it is shown only as long as it can be applied.
    return plan.operation is None or plan.status is PlanStatus.PLANNED


def _again(run: Run) -> Step:
    """Return the step that plans a revert or state operation again."""
    again = command("revert", run.stack) if run.operation is None else command_of(run.operation, run.stack)
    return Step(sentence="To retry once the cause is removed", command=again)


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)
