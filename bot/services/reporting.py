"""Telling on the pull request what happened; what is posted is always rendered anew from the records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.apply import apply_comment
from bot.comments.failures import plan_failed_comment
from bot.comments.run_report import RunView
from bot.comments.status import ActiveRun, LastApply, StatusRow, StatusView
from bot.comments.words import Step, command
from bot.domain.errors import PolicyError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import (
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
from bot.domain.plan import PlanRecord, lane_of
from bot.domain.state_operations import command_of
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Records
from bot.services.checks import Checks
from bot.services.deployments import Deployments
from bot.services.jobs import Links
from bot.services.next_steps import after_apply, after_status
from bot.services.plan_comments import PlanComments, is_tenanted, plan_key, revert_view
from bot.services.policies import Policies
from bot.services.posting import Poster
from bot.services.requesting import ACTIVE, Wish

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 10
"""Comments brought up to date because of one event; the others follow with the next event that concerns them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Comments, reactions, checks and deployments of runs."""

    records: Records
    github: GitHub
    policies: Policies
    plan_comments: PlanComments
    poster: Poster
    checks: Checks
    deployments: Deployments
    links: Links
    clock: Clock

    async def report_plan(self, run_id: RunId) -> None:
        """Post how a plan run ended. Repeating it posts nothing twice."""
        run = await self._ended(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.detail.get("superseded"):
            await self._react(repo, run)
            return
        if run.status is RunStatus.SUCCEEDED and run.plan_id is not None:
            await self.plan_comments.refresh(repo, run.plan_id, asked_by=run.comment_id)
        elif await self._is_newest(run):
            async with self.records.read() as reader:
                revert = await reader.revert(run.id)
            lane = lane_of(None if revert is None else revert.target, run.operation)
            steps = _again(run, lane)
            body = plan_failed_comment(RunView(run=run, run_url=self.links.run(run.id), next_steps=steps))
            key = plan_key(run.pull, run.stack, lane)
            await self.poster.sticky(repo, run.pull, key, body, asked_by=run.comment_id)
        # Who asked sees the answer before anything that nobody waits for.
        await self._react(repo, run)
        await self._checks(repo, run)

    async def report_change(self, run_id: RunId) -> None:
        """Post how an apply ended, and bring the plan comment, checks and deployment up to date."""
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
        await self.poster.once(repo, run.pull, f"report:{run.id}", apply_comment(view))
        await self._react(repo, run)
        if plan is not None:
            await self.plan_comments.refresh(repo, plan.id)
            await self.plan_comments.show(repo.full_name)
            await self._refresh_waiting(repo, run)
        await self.deployments.ended(repo, run)
        await self._checks(repo, run)

    async def _refresh_waiting(self, repo: Repo, run: Run) -> None:
        """Judge the pull request's other plans anew: what was just applied may open or shut their gates."""
        if run.pull is not None and (pull := await self.github.pull(repo, run.pull)).is_open:
            await self.plan_comments.refresh_judged(repo, pull)

    async def announce_change(self, run_id: RunId) -> None:
        """Show that a change has begun; one that has ended by now is left to its report."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.plan_id is not None and run.status not in TERMINAL:
            await self.plan_comments.refresh(repo, run.plan_id)
        if run.operation is None:
            await self.deployments.started(repo, run)

    async def refresh_checks(
        self, repo: Repo, pull: PullRequest, policy: RepoPolicy | None = None, *, planning: bool = False
    ) -> None:
        """Bring the check runs of the pull request's head up to date, by the policy that was just read, if any.

        `planning` says that nothing has happened but that a planning began.
        """
        try:
            policy = policy or (await self.policies.recent(repo)).policy
        except PolicyError:
            return
        await self.checks.refresh(repo, pull.number, pull.head_sha, policy, planning=planning)

    async def conflict_checks(self, repo: Repo, pull: PullRequest, paths: Sequence[str]) -> None:
        """Fail both checks because the pull request does not merge."""
        await self.checks.conflict(repo, pull.number, pull.head_sha, paths)

    async def status(self, wish: Wish, policy: RepoPolicy) -> StatusView:
        """Gather what `/status` shows."""
        repo, pull = wish.repo, wish.pull
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
                newest = next((plan for plan in ours if _is_told(plan)), None)
                lock = await reader.lock(stack)
                rows.append(StatusRow(stack=stack, plan=newest, lock=lock, last_apply=last))
        return StatusView(
            pull=pull.number,
            head_sha=pull.head_sha,
            now=self.clock.now(),
            rows=rows,
            next_steps=after_status(pull, policy, rows) if not active else (),
            active=[ActiveRun(run=run, url=self.links.run(run.id)) for run in active],
            reference=wish.correlation_id,
        )

    async def _is_newest(self, run: Run) -> bool:
        """Whether no later planning of the stack has the comment: a canceled run must not write over it."""
        async with self.records.read() as reader:
            runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(RunKind.PLAN,))
        rivals = [other for other in runs if (other.operation is None) == (run.operation is None)]
        return next((other.id for other in rivals if _same(other.stack, run.stack)), run.id) == run.id

    async def _ended(self, run_id: RunId) -> Run | None:
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        return run if run is not None and run.status in TERMINAL else None

    async def _checks(self, repo: Repo, run: Run) -> None:
        if run.pull is None or run.head_sha is None:
            return
        try:
            loaded = await self.policies.recent(repo)
        except PolicyError:
            return
        await self.checks.refresh(repo, run.pull, run.head_sha, loaded.policy)

    async def _react(self, repo: Repo, run: Run) -> None:
        """Answer the comment with a rocket or a confused face once all of its runs have ended."""
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
        """Whether the pull request holds the stack by an apply; what lives as long as it does is destroyed instead."""
        async with self.records.read() as reader:
            lock = await reader.lock(run.stack)
        if lock is None or (lock.stack.repo, lock.pull) != (run.stack.repo, run.pull):
            return False
        return not await is_tenanted(self.policies, repo, run.stack)

    async def _policy(self, repo: Repo) -> RepoPolicy | None:
        try:
            return (await self.policies.recent(repo)).policy
        except PolicyError:
            return None


def _url_output(policy: RepoPolicy | None, stack: Stack) -> str | None:
    known = policy is not None and stack.env in policy.environments
    return policy.environment(stack.env).url_output if policy is not None and known else None


def _is_told(plan: PlanRecord) -> bool:
    """Whether it may be a stack's newest plan at a glance: a state operation only while it waits."""
    return plan.operation is None or plan.status is PlanStatus.PLANNED


def _again(run: Run, lane: PlanLane) -> tuple[Step, ...]:
    """Return how a plan is asked for anew that is not of the code; empty where the usual way fits."""
    if lane is PlanLane.CODE:
        return ()
    again = command("revert", run.stack) if run.operation is None else command_of(run.operation, run.stack)
    return (Step(sentence="When that is settled", command=again),)


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)
