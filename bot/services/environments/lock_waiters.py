"""Pull requests that wait for a stack: notified once it is free, re-planned a few at a time.

An apply makes the other plans stale, so planning all of them at once would be wasted work. A few are planned,
then the next ones, as long as the stack stays free.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.comments.pulls.freed import freed_comment
from bot.domain.core.accounts import SELF
from bot.domain.core.errors import PolicyError
from bot.domain.core.heads import is_of_head
from bot.domain.core.model import PlanId, PlanStatus, PullRequest, Repo, RunId, RunKind, RunStatus, Stack
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.environments.waits import LockAct, LockEvent, Wait, WaitReason
from bot.domain.plans.plan import Lock
from bot.ports import Clock, GitHub, Records
from bot.ports.records.coordination import CoordinationReader
from bot.services.environments.leases import is_tenanted
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.posting import Poster
from bot.services.reverting.requests import pending_revert
from bot.services.runs.requests import RunRequests, Trigger
from bot.services.stacks.policies import Policies

AT_ONCE: Final = 3
"""Number of plans of a free stack that are made in parallel."""
_LOOKED_AT: Final = 20
"""Number of waiting pull requests examined per round, including closed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The queue of pull requests for each stack."""

    records: Records
    github: GitHub
    run_requests: RunRequests
    policies: Policies
    poster: Poster
    plan_comments: PlanComments
    clock: Clock
    start_sync: Callable[[Stack], Awaitable[bool]]
    """Starts the sync of a merged pull request that waits for the stack, before all others."""

    async def refused(self, stack: Stack, pull: int) -> None:
        """Record that an apply was refused because another pull request locks the stack.

        If the stack has become free in the meantime, notify the waiting pull requests.
        """
        wait = Wait(stack=stack, pull=pull, reason=WaitReason.REFUSED, since=self.clock.now())
        async with self.records.write() as writer:
            lock = await writer.lock(stack)
            await writer.add_wait(wait)
        if lock is None:
            await self.freed(stack)

    async def freed(self, stack: Stack) -> int:
        """Notify and re-plan the next pull requests; return how many. Safe to repeat.

        While a pull request has the lock, only its own pushes are planned.
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
        """Whether the environment is leased to pull requests, which has its own queue."""
        try:
            return is_tenanted((await self.policies.known(stack.repo)).policy, stack)
        except PolicyError:
            return False

    async def planned(self, run_id: RunId) -> None:
        """Continue with the next pull requests after a plan of the stack has ended."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.pull is None or await writer.lock(run.stack) is not None:
                return
            waits = await writer.waits(run.stack.state_key)
            if run.status is RunStatus.SUCCEEDED:
                # Its plan uses the current state, and the stack is free, so it need not wait any longer.
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
                await self.run_requests.plans(self._trigger(wait, repo, pull), [wait.stack], ())
            else:
                await self.plan_comments.refresh(repo, current)
        async with self.records.write() as writer:
            await writer.end_wait(wait.number)
        return wanted

    async def _current(self, wait: Wait, pull: PullRequest) -> PlanId | None:
        """Return the plan that was made after the last change of the stack, if any."""
        async with self.records.read() as reader:
            plans = await reader.plan_outlines(repo=wait.stack.repo, pull=wait.pull, stack=wait.stack)
        newest = next((plan for plan in plans if plan.operation is None), None)
        if newest is None or newest.status is not PlanStatus.PLANNED or not is_of_head(newest, pull):
            return None
        return newest.id if newest.expires_at > self.clock.now() else None

    def _trigger(self, wait: Wait, repo: Repo, pull: PullRequest) -> Trigger:
        return Trigger(
            repo=repo,
            pull=pull,
            actor=SELF,
            comment_id=None,
            asked_at=self.clock.now(),
            correlation_id=f"freed-{wait.number}",
        )


def _is_holders(wait: Wait, lock: Lock) -> bool:
    ours = (wait.stack.repo, wait.pull) == (lock.stack.repo, lock.pull)
    return ours and wait.reason is WaitReason.REVERT


async def _last_freed(reader: CoordinationReader, stack: Stack) -> LockEvent | None:
    events = await reader.lock_events(repo=stack.repo)
    here = (event for event in events if event.stack.state_key == stack.state_key)
    return next((event for event in here if event.act is LockAct.UNLOCKED), None)
