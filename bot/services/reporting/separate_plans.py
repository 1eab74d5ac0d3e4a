"""Comments of plans of reverts and state operations, one for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary

from bot.comments.runs.plan import PlanView, plan_comment
from bot.domain.core.model import PlanId, PlanLane, PlanStatus, PullRequest, Repo, Run, RunId, RunKind, Stack
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.releases.drift_checks import drifted
from bot.ports import PlanOutline, Reader, Records
from bot.services.reporting.plan_facts import PlanFacts, foreign, revert_view
from bot.services.reporting.posting import Poster, sticky_key
from bot.services.runs.links import Links
from bot.services.runs.requests import OPEN_PLANS
from bot.services.stacks.drift_checks import newest_check

MOST_ROUNDS = 5
"""How often a comment is written whose content keeps changing; then it is marked for later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Situation:
    """The data that a plan's comment shows."""

    newest: PlanId
    """The newest plan of the stack and lane, to which the comment belongs."""
    status: PlanStatus
    lock: Lock | None
    applying: RunId | None
    check: Run | None
    holds: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparatePlanComments:
    """Writes the comment of one plan, one at a time per stack and lane in this process."""

    records: Records
    facts: PlanFacts
    poster: Poster
    links: Links
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    async def show(
        self,
        repo: Repo,
        plan: PlanRecord,
        *,
        asked_by: int | None = None,
        pull: PullRequest | None = None,
    ) -> None:
        """Write the comment until it shows the current records."""
        if plan.pull is None:
            return
        key = plan_key(plan.pull, plan.stack, plan.lane)
        # Another process may write the same comment at the same time. So the records are read again after writing, and
        # what has changed is written again: then the process that writes last has also read last.
        async with self.turns.setdefault(f"{repo.full_name}:{key}", asyncio.Lock()):
            for _ in range(MOST_ROUNDS):
                if await self._write(repo, plan, key, asked_by=asked_by, pull=pull):
                    return

    async def _write(
        self, repo: Repo, plan: PlanRecord, key: str, *, asked_by: int | None, pull: PullRequest | None
    ) -> bool:
        """Write the current status of a plan; returns whether it was still current afterwards."""
        async with self.records.read() as reader:
            plan = as_now(plan, await _of_stack(reader, plan))
        # Judging takes a while, so everything else is read afterwards, and is current when the comment is posted.
        gates = await self.facts.gates(repo, plan, pull)
        async with self.records.read() as reader:
            plans = await _of_stack(reader, plan)
            now = await _situation(reader, plan, plans)
            revert = await revert_view(reader, plan)
        plan = as_now(plan, plans)
        if now.newest != plan.id or plan.pull is None:
            await self._shown(plan.id)
            return True
        held = foreign(now.lock, plan.stack, plan.pull)
        view = PlanView(
            plan=plan,
            run_url=self.links.run(plan.run_id),
            gates=gates if plan.status is PlanStatus.PLANNED else (),
            locked_by=held,
            is_tenanted=held is not None and await self.facts.is_tenanted(repo, plan.stack),
            applying_run=now.applying,
            outside=() if now.check is None or plan.status not in OPEN_PLANS else drifted(now.check),
            next_steps=await self.facts.next_steps(repo, plan, held),
            revert=revert,
        )
        body = plan_comment(view)
        if plan.posted_at is None:
            await self._find_posted(repo, plan, plan.pull, body)
        at = await self.poster.sticky(repo, plan.pull, key, body, below=asked_by, asked=asked_by is not None)
        return await self._posted(plan, now, at)

    async def _find_posted(self, repo: Repo, plan: PlanRecord, number: int, body: str) -> None:
        """Record the time at which an earlier attempt posted the plan, if a crash followed."""
        # Commands that were written since then refer to this plan.
        at = await self.poster.written_before(repo, number, f"shown:{plan.id}", body)
        if at is not None:
            async with self.records.write() as writer:
                await writer.mark_posted(plan.id, at)

    async def _posted(self, plan: PlanRecord, shown: _Situation, at: datetime) -> bool:
        async with self.records.write() as writer:
            # The lock of the stack is read before the plan is updated. All transactions use this order, so that none
            # deadlock.
            is_true = await _situation(writer, plan, await _of_stack(writer, plan)) == shown
            if plan.posted_at is None:
                await writer.mark_posted(plan.id, at)
            if is_true:
                await writer.mark_shown(plan.id)
        return is_true

    async def _shown(self, plan_id: PlanId) -> None:
        async with self.records.write() as writer:
            await writer.mark_shown(plan_id)


def plan_key(pull: int, stack: Stack, lane: PlanLane) -> str:
    """Return the key under which the comment is recorded; each lane has its own comment."""
    key = sticky_key(pull, stack.project, stack.env)
    return key if lane is PlanLane.CODE else f"{key}:{lane}"


def as_now(plan: PlanRecord, plans: Sequence[PlanOutline]) -> PlanRecord:
    """Return the plan with its current status."""
    # Only these fields change after the plan was recorded, and reading its summary again is expensive.
    now = next((each for each in plans if each.id == plan.id), None)
    if now is None:
        return plan
    return replace(plan, status=now.status, status_reason=now.status_reason, posted_at=now.posted_at)


async def _of_stack(reader: Reader, plan: PlanRecord) -> Sequence[PlanOutline]:
    return await reader.plan_outlines(repo=plan.stack.repo, pull=plan.pull, stack=plan.stack)


async def _situation(reader: Reader, plan: PlanRecord, plans: Sequence[PlanOutline]) -> _Situation:
    active = await reader.runs(state_key=plan.stack.state_key, statuses=ACTIVE)
    return _Situation(
        newest=next((each.id for each in plans if each.lane is plan.lane), plan.id),
        status=as_now(plan, plans).status,
        lock=await reader.lock(plan.stack),
        applying=next(
            (run.id for run in active if run.plan_id == plan.id and run.kind is not RunKind.PLAN), None
        ),
        check=await newest_check(reader, plan.stack),
        holds=tuple(hold.number for hold in await reader.holds(repo=plan.stack.repo, env=plan.stack.env)),
    )
