"""Turns to write the checks of a commit: one caller at a time, across processes."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4
from weakref import WeakValueDictionary

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Repo, Sha
from bot.ports import Clock, Records

_LOG = logging.getLogger(__name__)
_LASTS: Final = timedelta(seconds=30)
"""How long a turn blocks other processes after its process has died."""
_EXTENDED_EVERY: Final = _LASTS / 3
_LOOK_AGAIN: Final = timedelta(milliseconds=100)


class _Turn:
    """The callers for one commit in this process."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        # By pull request, because pull requests with the same commit have separate checks.
        self.asked = Counter[int]()
        self.shown = Counter[int]()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTurns:
    """Grants turns by commit; a turn never reads older records than an earlier turn has shown."""

    records: Records
    clock: Clock
    is_shared: bool
    """Whether other processes write checks as well."""
    turns: WeakValueDictionary[str, _Turn] = field(default_factory=WeakValueDictionary, repr=False)

    @asynccontextmanager
    async def take(self, repo: Repo, head: Sha, *, reads_all_of: int | None = None) -> AsyncIterator[bool]:
        """Wait for a turn; yields False if another turn has shown everything already.

        A caller with `reads_all_of` shows all records of this pull request, so it also serves the callers
        that wait with the same number.
        """
        turn = self.turns.setdefault(f"{repo.full_name}@{head}", _Turn())
        if reads_all_of is None:
            async with turn.lock, self._across_processes(repo, head):
                yield True
            return
        turn.asked[reads_all_of] += 1
        mine = turn.asked[reads_all_of]
        async with turn.lock:
            if turn.shown[reads_all_of] >= mine:
                yield False
                return
            async with self._across_processes(repo, head):
                # The caller reads the records after this point, so it shows all that the callers counted here know.
                covers = turn.asked[reads_all_of]
                yield True
            turn.shown[reads_all_of] = covers

    @asynccontextmanager
    async def _across_processes(self, repo: Repo, head: Sha) -> AsyncIterator[None]:
        if not self.is_shared:
            yield
            return
        holder = uuid4().hex
        while not await self._take(repo, head, holder):  # noqa: ASYNC110 - the other process sends no event
            await asyncio.sleep(_LOOK_AGAIN.total_seconds())
        keeping = asyncio.create_task(self._keep(repo, head, holder))
        try:
            yield
        finally:
            keeping.cancel()
            async with self.records.write() as writer:
                await writer.end_check_turn(repo.full_name, head, holder)

    async def _take(self, repo: Repo, head: Sha, holder: str) -> bool:
        now = self.clock.now()
        async with self.records.write() as writer:
            return await writer.take_check_turn(repo.full_name, head, holder, at=now, until=now + _LASTS)

    async def _keep(self, repo: Repo, head: Sha, holder: str) -> None:
        # A write to GitHub may wait for minutes because of rate limits, which is longer than a turn lasts.
        while True:
            await asyncio.sleep(_EXTENDED_EVERY.total_seconds())
            try:
                await self._take(repo, head, holder)
            except GatewrightError as error:
                _LOG.warning(
                    "the turn to write the checks of %s could not be extended: %s",
                    head,
                    error,
                    exc_info=not error.temporary,
                )
