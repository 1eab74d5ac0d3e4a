"""Shows plans on pull requests: those of code in one comment, each other in one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from bot.domain.core.errors import PolicyError
from bot.domain.core.heads import head_key
from bot.domain.core.model import EnvName, PlanId, PlanLane, PlanStatus, PullRequest, Repo, Run, RunKind
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.plans.plan import PlanRecord
from bot.ports import Clock, GitHub, PlanOutline, Records
from bot.services.reporting.plan_facts import PlanFacts
from bot.services.reporting.posting import Poster
from bot.services.reporting.pull_plans import Occasion, PullPlanComments
from bot.services.reporting.separate_plans import SeparatePlanComments
from bot.services.runs.links import Links
from bot.services.stacks.policies import Policies

_MOST_SHOWN: Final = 10
"""Comments to update because of one event, since GitHub limits writes; the others follow."""
_GATHERED: Final = (timedelta(seconds=2), timedelta(seconds=10))
"""Least and most time for which an ended plan waits for others of its pull request.

In between it waits as long as those have taken so far, so that many plans are shown in few writes.
"""
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanComments:
    """Writes the comments of plans, in this process one write at a time for each."""

    records: Records
    github: GitHub
    policies: Policies
    pulls: PullPlanComments
    separate: SeparatePlanComments
    clock: Clock

    async def report(self, repo: Repo, plan_id: PlanId, *, asked_by: int | None = None) -> None:
        """Show a plan for the first time; `asked_by` is the comment that requested it."""
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
        if plan is None or plan.pull is None:
            return
        if plan.lane is not PlanLane.CODE:
            await self.separate.show(repo, plan, asked_by=asked_by)
            return
        await self._gather(repo, plan.pull)
        occasion = Occasion(asked_by=asked_by, head=head_key(plan.head_sha, plan.head_number))
        if not await self.pulls.shows(repo, plan_id, occasion):
            await self.pulls.show(repo, plan.pull, occasion)

    async def report_failure(self, repo: Repo, run: Run) -> None:
        """Show a plan run of the pull request's code that ended without a plan."""
        if run.pull is None or run.head_sha is None:
            return
        await self._gather(repo, run.pull)
        occasion = Occasion(asked_by=run.comment_id, head=head_key(run.head_sha, run.head_number))
        await self.pulls.show(repo, run.pull, occasion)

    async def _gather(self, repo: Repo, number: int) -> None:
        """Wait a little while other plans of the pull request are made."""
        begun, loop = self.clock.now(), asyncio.get_running_loop()
        since = loop.time()
        while True:
            async with self.records.read() as reader:
                active = await reader.runs(
                    repo=repo.full_name, pull=number, kinds=(RunKind.PLAN,), statuses=ACTIVE
                )
            others = [run.created_at for run in active if run.operation is None]
            if not others:
                return
            least, most = _GATHERED
            longest = min(max(least, begun - min(others)), most)
            if loop.time() - since >= longest.total_seconds():
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def refresh(self, repo: Repo, plan_id: PlanId, *, pull: PullRequest | None = None) -> None:
        """Render the comment that shows a plan again.

        `pull` is the plan's pull request, if the caller has just read it.
        """
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
        # A plan that was never posted is left to its report. Otherwise two processes would each post a comment, since
        # neither finds on GitHub what the other is still about to write.
        if plan is None or plan.posted_at is None or plan.pull is None:
            return
        if plan.lane is PlanLane.CODE:
            await self.pulls.show(repo, plan.pull, Occasion(pull=pull))
        else:
            await self.separate.show(repo, plan, pull=pull)

    async def show(self, repo: str, *, pull: int | None = None) -> int:
        """Update some of the comments that are out of date; returns how many."""
        async with self.records.read() as reader:
            found = await reader.unshown_plans(repo=repo, pull=pull, limit=1000)
            plans = {plan.id: plan for plan in await reader.outlines_of(found)}
        chosen = one_per_comment(plans[each] for each in found if each in plans)[:_MOST_SHOWN]
        if chosen:
            known = await self.github.known_repository(repo)
            for plan in chosen:
                await self.refresh(known, plan.id)
        return len(chosen)

    async def refresh_judged(self, repo: Repo, pull: PullRequest) -> int:
        """Render the comments of the pull request's applicable plans with gates; returns how many."""
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return 0
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(
                repo=repo.full_name, pull=pull.number, statuses=(PlanStatus.PLANNED,), limit=1000
            )
        known = loaded.policy.environments
        judged = [
            plan
            for plan in plans
            if plan.stack.env in known and loaded.policy.environment(plan.stack.env).apply.gates
        ]
        for plan in one_per_comment([plan for plan in judged if plan.posted_at is not None]):
            await self.refresh(repo, plan.id, pull=pull)
        return len(judged)

    async def refresh_all(self, repo: Repo, plans: Iterable[PlanOutline | PlanRecord]) -> None:
        """Render the comments that show these plans again, each once."""
        for plan in one_per_comment(plan for plan in plans if plan.posted_at is not None):
            await self.refresh(repo, plan.id)

    async def refresh_environment(self, repo: Repo, env: EnvName | None) -> None:
        """Update the comments of applicable plans in an environment; None for all environments.

        A few are updated immediately, and the others are marked for later.
        """
        now = self.clock.now()
        async with self.records.write() as writer:
            plans = await writer.plan_outlines(
                repo=repo.full_name, statuses=(PlanStatus.PLANNED,), limit=1000
            )
            for plan in plans:
                if plan.pull is not None and env in {None, plan.stack.env}:
                    await writer.mark_unshown(repo.full_name, plan.pull, plan.id, now)
        await self.show(repo.full_name)


def plan_comments(facts: PlanFacts, *, poster: Poster, links: Links, clock: Clock) -> PlanComments:
    """Return the writer of all comments of plans."""
    parts: dict[str, Any] = {"records": facts.records, "facts": facts, "poster": poster, "links": links}
    return PlanComments(
        records=facts.records,
        github=facts.github,
        policies=facts.policies,
        pulls=PullPlanComments(**parts),
        separate=SeparatePlanComments(**parts),
        clock=clock,
    )


def one_per_comment(plans: Iterable[PlanOutline | PlanRecord]) -> list[PlanOutline | PlanRecord]:
    """Return a plan of each comment, in the order given."""
    found: dict[object, PlanOutline | PlanRecord] = {}
    for plan in plans:
        about = plan.pull if plan.lane is PlanLane.CODE else (plan.pull, plan.stack, plan.lane)
        found.setdefault(about, plan)
    return list(found.values())
