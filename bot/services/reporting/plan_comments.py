"""Renders the comment of a plan from the records, whenever its content has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary

from bot.comments.markdown.words import Step
from bot.comments.runs.plan import PlanView, plan_comment
from bot.comments.runs.revert import RevertView
from bot.domain.core.errors import GatewrightError, PolicyError
from bot.domain.core.model import (
    EnvName,
    PlanId,
    PlanLane,
    PlanStatus,
    PullRequest,
    Repo,
    Run,
    RunId,
    RunKind,
    Stack,
)
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates import GateResult
from bot.domain.plans.plan import Lock, PlanRecord
from bot.domain.releases.drift_checks import drifted
from bot.ports import Clock, GitHub, PlanOutline, Reader, Records
from bot.services.gates.judging import Judging
from bot.services.reporting.next_steps import after_plan
from bot.services.reporting.posting import Poster, sticky_key
from bot.services.runs.links import Links
from bot.services.runs.requests import OPEN_PLANS
from bot.services.stacks.drift_checks import newest_check
from bot.services.stacks.policies import Policies

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 10
"""Comments to update because of one event, since GitHub limits writes; the others follow."""
_MOST_ROUNDS = 5
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
class PlanComments:
    """Writes the comments of plans, for one stack of a pull request at a time in this process."""

    records: Records
    github: GitHub
    policies: Policies
    judging: Judging
    poster: Poster
    links: Links
    clock: Clock
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    async def report(self, repo: Repo, plan_id: PlanId, *, asked_by: int | None = None) -> None:
        """Show a plan for the first time; `asked_by` is the comment that requested it."""
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
        if plan is not None:
            await self._show(repo, plan, asked_by=asked_by)

    async def refresh(self, repo: Repo, plan_id: PlanId, *, pull: PullRequest | None = None) -> None:
        """Render the comment of a plan again, unless it shows a newer plan of the stack by now.

        `pull` is the plan's pull request, if the caller has just read it.
        """
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
        # A plan that was never posted is left to its report. Otherwise two processes would each post a comment, since
        # neither finds on GitHub what the other is still about to write.
        if plan is not None and plan.posted_at is not None:
            await self._show(repo, plan, pull=pull)

    async def _show(
        self,
        repo: Repo,
        plan: PlanRecord,
        *,
        asked_by: int | None = None,
        pull: PullRequest | None = None,
    ) -> None:
        if plan.pull is None:
            return
        key = plan_key(plan.pull, plan.stack, plan.lane)
        # Another process may write the same comment at the same time. So the records are read again after writing, and
        # what has changed is written again: then the process that writes last has also read last.
        async with self.turns.setdefault(f"{repo.full_name}:{key}", asyncio.Lock()):
            for _ in range(_MOST_ROUNDS):
                if await self._write(repo, plan, key, asked_by=asked_by, pull=pull):
                    return

    async def _write(
        self, repo: Repo, plan: PlanRecord, key: str, *, asked_by: int | None, pull: PullRequest | None
    ) -> bool:
        """Write the current status of a plan; returns whether it was still current afterwards."""
        async with self.records.read() as reader:
            plan = _as_now(plan, await _of_stack(reader, plan))
        # Judging takes a while, so everything else is read afterwards, and is current when the comment is posted.
        gates = await self._gates(repo, plan, pull)
        async with self.records.read() as reader:
            plans = await _of_stack(reader, plan)
            now = await _situation(reader, plan, plans)
            revert = await revert_view(reader, plan)
        plan = _as_now(plan, plans)
        if now.newest != plan.id or plan.pull is None:
            await self._shown(plan.id)
            return True
        held = now.lock if now.lock is not None and _is_foreign(now.lock, plan) else None
        view = PlanView(
            plan=plan,
            run_url=self.links.run(plan.run_id),
            gates=gates if plan.status is PlanStatus.PLANNED else (),
            locked_by=held,
            is_tenanted=held is not None and await is_tenanted(self.policies, repo, plan.stack),
            applying_run=now.applying,
            outside=() if now.check is None or plan.status not in OPEN_PLANS else drifted(now.check),
            next_steps=await self._next_steps(repo, plan, held),
            revert=revert,
        )
        body = plan_comment(view)
        if plan.posted_at is None:
            await self._find_posted(repo, plan, plan.pull, body)
        at = await self.poster.sticky(repo, plan.pull, key, body, asked_by=asked_by)
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

    async def show(self, repo: str, *, pull: int | None = None) -> int:
        """Update some of the comments that are out of date; returns how many."""
        async with self.records.read() as reader:
            plans = await reader.unshown_plans(repo=repo, pull=pull, limit=_MOST_SHOWN)
        if plans:
            found = await self.github.known_repository(repo)
            for plan in plans:
                await self.refresh(found, plan)
        return len(plans)

    async def refresh_judged(self, repo: Repo, pull: PullRequest) -> int:
        """Render the comments of the pull request's applicable plans with gates; returns how many."""
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return 0
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(
                repo=repo.full_name, pull=pull.number, statuses=(PlanStatus.PLANNED,)
            )
        known = loaded.policy.environments
        judged = [
            plan
            for plan in plans
            if plan.stack.env in known and loaded.policy.environment(plan.stack.env).apply.gates
        ]
        for plan in judged:
            await self.refresh(repo, plan.id, pull=pull)
        return len(judged)

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

    async def _gates(self, repo: Repo, plan: PlanRecord, pull: PullRequest | None) -> tuple[GateResult, ...]:
        """Judge the gates of a plan that can be applied; empty if they cannot be judged."""
        if plan.pull is None or plan.status is not PlanStatus.PLANNED:
            return ()
        try:
            recent = await self.policies.recent(repo)
            known = recent.policy.digest == plan.policy_digest
            loaded = recent if known else await self.policies.load(repo)
            async with self.records.read() as reader:
                holds = await reader.holds(repo=repo.full_name, env=plan.stack.env)
            if not loaded.policy.environment(plan.stack.env).apply.gates and not holds:
                return ()
            # Gates are judged by the current policy; the cached one may be older.
            if known:
                loaded = await self.policies.load(repo)
            pull = pull or await self.github.pull(repo, plan.pull)
            return await self.judging.preview(repo, pull, loaded, plan)
        except GatewrightError as error:
            # A comment without gates is better than none.
            _LOG.warning(
                "the gates of plan %s could not be judged for its comment: %s",
                plan.id,
                error,
                exc_info=not error.temporary,
            )
            return ()

    async def _next_steps(self, repo: Repo, plan: PlanRecord, held: Lock | None) -> tuple[Step, ...]:
        try:
            policy = (await self.policies.recent(repo)).policy
            return after_plan(plan, policy.environment(plan.stack.env), held)
        except PolicyError:
            return ()


async def is_tenanted(policies: Policies, repo: Repo, stack: Stack) -> bool:
    """Whether the environment exists only as long as a pull request."""
    try:
        return (await policies.recent(repo)).policy.environment(stack.env).lifecycle != "permanent"
    except PolicyError:
        return False


async def revert_view(reader: Reader, plan: PlanRecord) -> RevertView | None:
    """Return what the plan of a revert undoes; None for any other plan."""
    revert = None if plan.reverts_to is None else await reader.revert_of(plan.id)
    if revert is None:
        return None
    undone = [await reader.release(plan_id) for plan_id in revert.undone]
    return RevertView(
        revert=revert,
        target=await reader.release(revert.target),
        undone=[release for release in undone if release is not None],
    )


def plan_key(pull: int, stack: Stack, lane: PlanLane) -> str:
    """Return the key under which the comment is recorded; each lane has its own comment."""
    key = sticky_key(pull, stack.project, stack.env)
    return key if lane is PlanLane.CODE else f"{key}:{lane}"


async def _of_stack(reader: Reader, plan: PlanRecord) -> Sequence[PlanOutline]:
    return await reader.plan_outlines(repo=plan.stack.repo, pull=plan.pull, stack=plan.stack)


def _as_now(plan: PlanRecord, plans: Sequence[PlanOutline]) -> PlanRecord:
    """Return the plan with its current status."""
    # Only these fields change after the plan was recorded, and reading its summary again is expensive.
    now = next((each for each in plans if each.id == plan.id), plan)
    return replace(plan, status=now.status, status_reason=now.status_reason, posted_at=now.posted_at)


async def _situation(reader: Reader, plan: PlanRecord, plans: Sequence[PlanOutline]) -> _Situation:
    active = await reader.runs(state_key=plan.stack.state_key, statuses=ACTIVE)
    return _Situation(
        newest=next((each.id for each in plans if each.lane is plan.lane), plan.id),
        status=_as_now(plan, plans).status,
        lock=await reader.lock(plan.stack),
        applying=next(
            (run.id for run in active if run.plan_id == plan.id and run.kind is not RunKind.PLAN), None
        ),
        check=await newest_check(reader, plan.stack),
        holds=tuple(hold.number for hold in await reader.holds(repo=plan.stack.repo, env=plan.stack.env)),
    )


def _is_foreign(lock: Lock, plan: PlanRecord) -> bool:
    """Whether another pull request has the lock."""
    # Repositories may share a state, so the number of the pull request alone is not enough.
    return (lock.stack.repo, lock.pull) != (plan.stack.repo, plan.pull)
