"""What happens to pull requests' environments by the clock alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.comments.tenancy import expired_comment
from bot.domain.errors import GatewrightError
from bot.domain.model import Login, Run, RunId, RunKind
from bot.domain.plan import Lock
from bot.domain.tenancy import CHANGES, destroy_again_at, idle_since
from bot.ports import Clock, GitHub, Records
from bot.services.ephemeral import Ephemeral, is_ephemeral
from bot.services.policies import Policies
from bot.services.posting import Poster
from bot.services.sequences import SKIPPED
from bot.services.tenancy import Tenancy, is_tenanted

_LOG = logging.getLogger(__name__)
_FORGOTTEN = timedelta(minutes=2)
"""How long nothing has happened in an ephemeral environment that should have been destroyed at once."""
_NOBODY = Login("gatewright")
"""Who is recorded as the one who wanted a destroy that nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caretaking:
    """Looks after every environment that is held, and every queue. Any number of workers may do so at once."""

    records: Records
    github: GitHub
    policies: Policies
    poster: Poster
    tenancy: Tenancy
    ephemeral: Ephemeral
    clock: Clock
    serves: Callable[[str], bool]
    """Whether a repository is listed."""
    retry_after: timedelta
    """How long a failed destroy waits before it is tried again; longer after each failure."""

    async def look_after(self) -> None:
        """Try failed destroys again, take environments from idle holders, start whoever waits for a free one."""
        async with self.records.read() as reader:
            locks = await reader.all_locks()
            queued = {one.stack.state_key for one in await reader.waiting()}
        for lock in locks:
            if not self.serves(lock.stack.repo):
                continue
            try:
                await self._look_after(lock)
            except GatewrightError:
                _LOG.warning(
                    "%s of #%s could not be looked after", lock.stack.label, lock.pull, exc_info=True
                )
        for key in sorted(queued - {lock.stack.state_key for lock in locks}):
            await self.tenancy.hand_on(key)

    async def _look_after(self, lock: Lock) -> None:
        # Every lock is looked at in every round, and GitHub counts requests per hour: it is asked only to act.
        policy = (await self.policies.known(lock.stack.repo)).policy
        if not is_tenanted(policy, lock.stack):
            return
        async with self.records.read() as reader:
            runs = await reader.runs(repo=lock.stack.repo, pull=lock.pull, state_key=lock.stack.state_key)
        changes = [run for run in runs if run.kind in CHANGES]
        if changes and changes[0].id == lock.run_id and changes[0].kind is RunKind.DESTROY:
            if await self._may_follow(changes[0]):
                await self._destroy(lock, cause=f"again:{changes[0].id}")
                return
            again = destroy_again_at(changes, self.retry_after)
            if again is not None and again <= self.clock.now():
                await self._destroy(lock, cause=f"again:{changes[0].id}")
            return
        if is_ephemeral(policy, lock.stack):
            await self._give_back(lock, runs)
            return
        idle, since = policy.environment(lock.stack.env).idle_after, idle_since(lock.since, runs)
        if policy.is_shared(lock.stack) and since is not None and since + idle <= self.clock.now():
            await self._destroy(lock, cause=f"idle:{lock.run_id}")
            body = expired_comment(stack=lock.stack, idle=idle, reference=lock.run_id)
            await self.poster.once(
                await self.github.repository(lock.stack.repo), lock.pull, f"expired:{lock.run_id}", body
            )

    async def _give_back(self, lock: Lock, runs: Sequence[Run]) -> None:
        """Have an ephemeral environment destroyed whose last run was lost before it could say so."""
        since = idle_since(lock.since, runs)
        claim = next((run for run in runs if run.id == lock.run_id), None)
        if claim is not None and since is not None and since + _FORGOTTEN <= self.clock.now():
            await self.ephemeral.give_back(claim)

    async def _may_follow(self, destroy: Run) -> bool:
        """Whether a destroy was skipped because of another one that has succeeded in the meantime."""
        if destroy.detail.get("problem") != SKIPPED:
            return False
        async with self.records.read() as reader:
            other = await reader.run(RunId(str(destroy.detail.get("because_of"))))
            return other is None or await reader.lock(other.stack) is None

    async def _destroy(self, lock: Lock, *, cause: str) -> None:
        repo = await self.github.repository(lock.stack.repo)
        async with self.records.write() as writer:
            if await writer.lock(lock.stack) == lock:
                await self.tenancy.destroy(writer, lock, repo, by=_NOBODY, cause=cause)
