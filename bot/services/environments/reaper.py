"""Periodic care of leased environments: retries, idle holders, queues."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.comments.pulls.leases import expired_comment
from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId, RunKind
from bot.domain.core.run_kinds import LEASE_CHANGES
from bot.domain.environments.leases import destroy_again_at, idle_since
from bot.domain.plans.plan import Lock
from bot.ports import Clock, GitHub, Records
from bot.services.environments.ephemeral import Ephemeral, is_ephemeral
from bot.services.environments.leases import EnvironmentLeases, is_tenanted
from bot.services.reporting.posting import Poster
from bot.services.runs.sequences import SKIPPED
from bot.services.stacks.policies import Policies

_LOG = logging.getLogger(__name__)
_FORGOTTEN = timedelta(minutes=2)
"""Idle time after which an ephemeral environment is destroyed although its last run was lost."""
"""Who is recorded as the one who wanted a destroy that nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentReaper:
    """Checks all leased environments and queues; safe in several workers in parallel."""

    records: Records
    github: GitHub
    policies: Policies
    poster: Poster
    leases: EnvironmentLeases
    ephemeral: Ephemeral
    clock: Clock
    serves: Callable[[str], bool]
    """Whether a repository is listed."""
    retry_after: timedelta
    """Wait before a failed destroy is retried; multiplied after each failure."""

    async def check_all(self) -> None:
        """Retry failed destroys, end idle leases, start the next in each free queue."""
        async with self.records.read() as reader:
            locks = await reader.all_locks()
            queued = {one.stack.state_key for one in await reader.waiting()}
        for lock in locks:
            if not self.serves(lock.stack.repo):
                continue
            try:
                await self._check(lock)
            except GatewrightError as error:
                _LOG.warning(
                    "%s of #%s could not be looked after: %s",
                    lock.stack.label,
                    lock.pull,
                    error,
                    exc_info=not error.temporary,
                )
        for key in sorted(queued - {lock.stack.state_key for lock in locks}):
            await self.leases.start_next_in_queue(key)

    async def _check(self, lock: Lock) -> None:
        # Each round checks every lock, and GitHub limits requests per hour: it is called only if there is something to do.
        policy = (await self.policies.known(lock.stack.repo)).policy
        if not is_tenanted(policy, lock.stack):
            return
        async with self.records.read() as reader:
            runs = await reader.runs(repo=lock.stack.repo, pull=lock.pull, state_key=lock.stack.state_key)
        changes = [run for run in runs if run.kind in LEASE_CHANGES]
        if changes and changes[0].id == lock.run_id and changes[0].kind is RunKind.DESTROY:
            if await self._may_follow(changes[0]):
                await self._destroy(lock, cause=f"again:{changes[0].id}")
                return
            again = destroy_again_at(changes, self.retry_after)
            if again is not None and again <= self.clock.now():
                await self._destroy(lock, cause=f"again:{changes[0].id}")
            return
        if is_ephemeral(policy, lock.stack):
            await self._destroy_leased(lock, runs)
            return
        idle, since = policy.environment(lock.stack.env).idle_after, idle_since(lock.since, runs)
        if policy.is_shared(lock.stack) and since is not None and since + idle <= self.clock.now():
            await self._destroy(lock, cause=f"idle:{lock.run_id}")
            body = expired_comment(stack=lock.stack, idle=idle, reference=lock.run_id)
            await self.poster.once(
                await self.github.repository(lock.stack.repo), lock.pull, f"expired:{lock.run_id}", body
            )

    async def _destroy_leased(self, lock: Lock, runs: Sequence[Run]) -> None:
        """Destroy an ephemeral environment whose last run was lost before its end."""
        since = idle_since(lock.since, runs)
        claim = next((run for run in runs if run.id == lock.run_id), None)
        if claim is not None and since is not None and since + _FORGOTTEN <= self.clock.now():
            await self.ephemeral.destroy_leased(claim)

    async def _may_follow(self, destroy: Run) -> bool:
        """Whether a destroy was skipped because another one succeeded in the meantime."""
        if destroy.detail.get("problem") != SKIPPED:
            return False
        async with self.records.read() as reader:
            other = await reader.run(RunId(str(destroy.detail.get("because_of"))))
            return other is None or await reader.lock(other.stack) is None

    async def _destroy(self, lock: Lock, *, cause: str) -> None:
        repo = await self.github.repository(lock.stack.repo)
        async with self.records.write() as writer:
            if await writer.lock(lock.stack) == lock:
                await self.leases.destroy(writer, lock, repo, by=SELF, cause=cause)
