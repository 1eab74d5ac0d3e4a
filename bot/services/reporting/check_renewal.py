"""Renews incomplete check runs before GitHub completes them as `stale`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.core.errors import GitHubError, GitHubNotFoundError, GitHubUnavailableError
from bot.domain.core.heads import is_same_head
from bot.ports import Clock, GitHub, Records
from bot.ports.records.check_runs import WrittenCheck
from bot.services.reporting.check_runs import RENEWED_AFTER, CheckRuns, head_of

_LOG = logging.getLogger(__name__)
_DUTY: Final = "check-runs"
_EVERY: Final = timedelta(hours=1)
_MOST: Final = 100
"""Check runs per round; each costs one request for its pull request, and one to renew it."""
_LISTED: Final = 10_000
"""Check runs to choose from, so that those of a suspended account do not block the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRenewal:
    """Creates new check runs in place of old incomplete ones, for heads of open pull requests."""

    records: Records
    github: GitHub
    checks: CheckRuns
    clock: Clock
    serves: Callable[[str], bool]

    async def renew_due(self) -> None:
        """Renew old check runs, once an hour and on one worker at a time."""
        now = self.clock.now()
        async with self.records.write() as writer:
            if not await writer.take_turn(_DUTY, at=now, every=_EVERY):
                return
        async with self.records.read() as reader:
            old = await reader.incomplete_checks(before=now - RENEWED_AFTER, limit=_LISTED)
        await self._renew_all(old)

    async def _renew_all(self, old: Sequence[WrittenCheck]) -> None:
        left = dict[str, GitHubError]()
        for done, written in enumerate(one for one in old if one.repo not in left):
            if done >= _MOST:
                return
            try:
                await self._renew(written)
            except GitHubError as error:
                _LOG.warning("the check runs of %s could not be renewed: %s", written.repo, error)
                # If GitHub is unavailable for a second repository, it is so for all of them.
                if isinstance(error, GitHubUnavailableError) and left:
                    raise
                left[written.repo] = error

    async def _renew(self, written: WrittenCheck) -> None:
        if not await self._is_awaited(written):
            async with self.records.write() as writer:
                await writer.retire_check(written.repo, written.key)
            return
        await self.checks.renew(await self.github.known_repository(written.repo), written)

    async def _is_awaited(self, written: WrittenCheck) -> bool:
        """Whether the check run belongs to the head of an open pull request."""
        # A merge queue removes its groups long before their check runs become stale, so those have no pull request.
        if written.pull is None or written.check is None or not self.serves(written.repo):
            return False
        try:
            repo = await self.github.known_repository(written.repo)
            pull = await self.github.pull(repo, written.pull)
        except GitHubNotFoundError:
            return False
        now, then = await self.checks.head(repo, written.pull, pull.head_sha), head_of(written)
        return pull.is_open and is_same_head(then.sha, then.number, head_sha=now.sha, head_number=now.number)
