"""The comment of a plan: rendered from the records whenever something changed that it shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary

from bot.comments.plan import PlanView, plan_comment
from bot.comments.revert import RevertView
from bot.comments.words import Step
from bot.domain.drift_checks import drifted
from bot.domain.errors import GatewrightError, PolicyError
from bot.domain.gates import GateResult
from bot.domain.model import (
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
from bot.domain.plan import Lock, PlanRecord
from bot.ports import Clock, GitHub, PlanOutline, Reader, Records
from bot.services.drifting import newest_check
from bot.services.jobs import Links
from bot.services.judging import Judging
from bot.services.next_steps import after_plan
from bot.services.policies import Policies
from bot.services.posting import Poster, sticky_key
from bot.services.requesting import ACTIVE, OPEN_PLANS

_LOG = logging.getLogger(__name__)
_MOST_SHOWN = 10
"""Comments brought up to date because of one event; the others follow with the next event that concerns them."""
_MOST_ROUNDS = 5
"""Times that a comment is written because what it shows changed meanwhile; afterwards it waits for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Situation:
    """What the records say about a plan and its stack, as the comment shows it."""

    newest: PlanId
    """The plan to which the comment belongs."""
    status: PlanStatus
    lock: Lock | None
    applying: RunId | None
    check: Run | None
    holds: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanComments:
    """Writes the comments of plans, one stack of a pull request at a time in this process.

    Another process may write the same comment at once. So each looks again when it has written, and writes anew
    what is not true any more: whoever writes last has looked last.
    """

    records: Records
    github: GitHub
    policies: Policies
    judging: Judging
    poster: Poster
    links: Links
    clock: Clock
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    async def refresh(
        self,
        repo: Repo,
        plan_id: PlanId,
        *,
        asked_by: int | None = None,
        pull: PullRequest | None = None,
    ) -> None:
        """Render the comment of a plan anew, unless a newer plan of the stack has taken it over.

        `asked_by` is the comment that it answers, if any; `pull` is its pull request, where it was just read.
        """
        async with self.records.read() as reader:
            plan = await reader.plan(plan_id)
        if plan is None or plan.pull is None:
            return
        key = plan_key(plan.pull, plan.stack, plan.lane)
        async with self.turns.setdefault(f"{repo.full_name}:{key}", asyncio.Lock()):
            for _ in range(_MOST_ROUNDS):
                if await self._write(repo, plan, key, asked_by=asked_by, pull=pull):
                    return

    async def _write(
        self, repo: Repo, plan: PlanRecord, key: str, *, asked_by: int | None, pull: PullRequest | None
    ) -> bool:
        """Write what is true now of a plan that was read before; returns whether it still was when it was written."""
        async with self.records.read() as reader:
            plan = _as_now(plan, await _of_stack(reader, plan))
        # Gates take a while to judge, so everything else is read behind them: what is posted must not be old.
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
        at = await self.poster.sticky(repo, plan.pull, key, plan_comment(view), asked_by=asked_by)
        return await self._posted(plan, now, at)

    async def _posted(self, plan: PlanRecord, told: _Situation, at: datetime) -> bool:
        async with self.records.write() as writer:
            # Who holds the stack is asked before the plan is touched, as everybody does who changes both.
            is_true = await _situation(writer, plan, await _of_stack(writer, plan)) == told
            if plan.posted_at is None:
                await writer.mark_posted(plan.id, at)
            if is_true:
                await writer.mark_shown(plan.id)
        return is_true

    async def _shown(self, plan_id: PlanId) -> None:
        async with self.records.write() as writer:
            await writer.mark_shown(plan_id)

    async def show(self, repo: str, *, pull: int | None = None) -> int:
        """Bring comments up to date that show something old, a few at once, lest it become a storm."""
        async with self.records.read() as reader:
            plans = await reader.unshown_plans(repo=repo, pull=pull, limit=_MOST_SHOWN)
        if plans:
            found = await self.github.known_repository(repo)
            for plan in plans:
                await self.refresh(found, plan)
        return len(plans)

    async def refresh_judged(self, repo: Repo, pull: PullRequest) -> int:
        """Render the comments of the pull request's open plans anew where gates are shown; returns how many."""
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
        """Show on the open plans of an environment (None for all) what its gates say now; on a few at once."""
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
        """Judge a plan that can be applied; a plan comment without its gates is better than none."""
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
            if known:  # Gates are judged by the policy in force now.
                loaded = await self.policies.load(repo)
            pull = pull or await self.github.pull(repo, plan.pull)
            return await self.judging.preview(repo, pull, loaded, plan)
        except GatewrightError:
            _LOG.warning("the gates of plan %s could not be judged for its comment", plan.id, exc_info=True)
            return ()

    async def _next_steps(self, repo: Repo, plan: PlanRecord, held: Lock | None) -> tuple[Step, ...]:
        try:
            policy = (await self.policies.recent(repo)).policy
            return after_plan(plan, policy.environment(plan.stack.env), held)
        except PolicyError:
            return ()


async def is_tenanted(policies: Policies, repo: Repo, stack: Stack) -> bool:
    """Whether the environment lives as long as a pull request does."""
    try:
        return (await policies.recent(repo)).policy.environment(stack.env).lifecycle != "permanent"
    except PolicyError:
        return False


async def revert_view(reader: Reader, plan: PlanRecord) -> RevertView | None:
    """Return what a revert's plan goes back over; None for any other plan."""
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
    """Return under which key the comment is remembered; each lane has one of its own."""
    key = sticky_key(pull, stack.project, stack.env)
    return key if lane is PlanLane.CODE else f"{key}:{lane}"


async def _of_stack(reader: Reader, plan: PlanRecord) -> Sequence[PlanOutline]:
    return await reader.plan_outlines(repo=plan.stack.repo, pull=plan.pull, stack=plan.stack)


def _as_now(plan: PlanRecord, plans: Sequence[PlanOutline]) -> PlanRecord:
    """Return the plan as it stands now. The rest of it never changes, and a megabyte is not read for three words."""
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
    """A state may be shared across repositories, so the number alone does not tell whose lock it is."""
    return (lock.stack.repo, lock.pull) != (plan.stack.repo, plan.pull)
