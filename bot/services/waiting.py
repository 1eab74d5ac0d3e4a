"""Pull requests that wait for a stack: when it is free they are told once and planned again, a few at once.

A plan makes no other one stale, an apply does: planning everybody at once would be work for nothing as soon as the
first of them applies. So a few are planned, and when those are done the next, as long as the stack stays free.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.comments.freed import freed_comment
from bot.domain.errors import PolicyError
from bot.domain.model import Login, PlanId, PlanStatus, PullRequest, Repo, RunId, RunKind, RunStatus, Stack
from bot.domain.plan import Lock
from bot.domain.waiting import LockAct, LockEvent, Wait, WaitReason
from bot.ports import Clock, GitHub, Reader, Records
from bot.services.plan_comments import PlanComments
from bot.services.policies import Policies
from bot.services.posting import Poster
from bot.services.requesting import ACTIVE, Requesting, Wish
from bot.services.reverting import pending_revert
from bot.services.tenancy import is_tenanted

AT_ONCE: Final = 3
"""Plans of one stack that are made at once because it became free."""
_LOOKED_AT: Final = 20
"""Waits looked at in one go; those of closed pull requests are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Who waits for which stack."""

    records: Records
    github: GitHub
    requesting: Requesting
    policies: Policies
    poster: Poster
    plan_comments: PlanComments
    clock: Clock
    start_sync: Callable[[Stack], Awaitable[bool]]
    """Starts the sync of a merged pull request that waits for the stack; it goes before everybody else."""
    login: Login
    """The App's own user name, in whose name the plans are made."""

    async def refused(self, stack: Stack, pull: int) -> None:
        """Remember that an apply was refused because another pull request holds the stack.

        Where that one has let go of it by now, nobody else will tell those who wait.
        """
        wait = Wait(stack=stack, pull=pull, reason=WaitReason.REFUSED, since=self.clock.now())
        async with self.records.write() as writer:
            lock = await writer.lock(stack)
            await writer.add_wait(wait)
        if lock is None:
            await self.freed(stack)

    async def freed(self, stack: Stack) -> int:
        """Tell the next who wait, and plan their pull requests anew; returns how many. Safe to repeat.

        As long as a pull request holds the stack, nobody waits for anything there but what that one has pushed.
        """
        if await self._is_tenanted(stack):
            return 0
        if await self.start_sync(stack):
            return 0
        async with self.records.read() as reader:
            lock = await reader.lock(stack)
            if await pending_revert(reader, stack, self.clock) is not None:
                return 0
            waits = await reader.waits(stack.state_key, limit=_LOOKED_AT)
            if lock is not None:
                waits = [wait for wait in waits if _is_holders(wait, lock)]
            plans = await reader.runs(state_key=stack.state_key, kinds=(RunKind.PLAN,), statuses=ACTIVE)
            event = await _last_freed(reader, stack)
        room = AT_ONCE - len(plans)
        told = 0
        for wait in waits:
            if told < room and await self._plan_again(wait, event):
                told += 1
        return told

    async def _is_tenanted(self, stack: Stack) -> bool:
        """Whether pull requests have the environment one after the other, in a line of its own."""
        try:
            return is_tenanted((await self.policies.known(stack.repo)).policy, stack)
        except PolicyError:
            return False

    async def planned(self, run_id: RunId) -> None:
        """Go on with the next who wait, now that a plan of the stack has ended."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.pull is None or await writer.lock(run.stack) is not None:
                return
            waits = await writer.waits(run.stack.state_key)
            if run.status is RunStatus.SUCCEEDED:
                # It is planned on what is there now, and nobody holds the stack: it waits for nothing more.
                for wait in waits:
                    if (wait.stack.repo, wait.pull) == (run.stack.repo, run.pull):
                        await writer.end_wait(wait.number)
        if waits:
            await self.freed(run.stack)

    async def _plan_again(self, wait: Wait, event: LockEvent | None) -> bool:
        repo, pull = await self.github.subject(wait.stack.repo, wait.pull)
        wanted = pull.is_open and not pull.draft and not pull.is_fork
        if wanted:
            current = await self._current(wait, pull)
            body = freed_comment(wait, freed_by=event, current=current)
            await self.poster.once(repo, wait.pull, f"freed:{wait.number}", body)
            if current is None:
                await self.requesting.plans(self._wish(wait, repo, pull), [wait.stack], ())
            else:
                await self.plan_comments.refresh(repo, current)
        async with self.records.write() as writer:
            await writer.end_wait(wait.number)
        return wanted

    async def _current(self, wait: Wait, pull: PullRequest) -> PlanId | None:
        """Return the plan that can be applied as it is, because it was made after the last change of the stack."""
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(repo=wait.stack.repo, pull=wait.pull, stack=wait.stack)
        newest = next((plan for plan in plans if plan.operation is None), None)
        if newest is None or newest.status is not PlanStatus.PLANNED or newest.head_sha != pull.head_sha:
            return None
        return newest.id if newest.expires_at > self.clock.now() else None

    def _wish(self, wait: Wait, repo: Repo, pull: PullRequest) -> Wish:
        return Wish(
            repo=repo,
            pull=pull,
            actor=self.login,
            comment_id=None,
            asked_at=self.clock.now(),
            correlation_id=f"freed-{wait.number}",
        )


def _is_holders(wait: Wait, lock: Lock) -> bool:
    ours = (wait.stack.repo, wait.pull) == (lock.stack.repo, lock.pull)
    return ours and wait.reason is WaitReason.REVERT


async def _last_freed(reader: Reader, stack: Stack) -> LockEvent | None:
    events = await reader.lock_events(repo=stack.repo)
    here = (event for event in events if event.stack.state_key == stack.state_key)
    return next((event for event in here if event.act is LockAct.UNLOCKED), None)
