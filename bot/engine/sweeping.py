"""Looking for workflows that ended badly in silence, and telling of each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from bot.engine.config import OnLost
from bot.engine.history import History

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class _InThread(Protocol):
    """Calls what blocks."""

    def __call__(self, call: Callable[[], _Result], /) -> Awaitable[_Result]: ...


class Sweeper:
    """Tells of what was lost: at once when asked, else by itself every now and then."""

    def __init__(self, history: History, on_lost: OnLost, in_thread: _InThread) -> None:
        self._history = history
        self._on_lost = on_lost
        self._in_thread = in_thread

    async def sweep(self) -> int:
        """Tell of workflows that ended badly in silence; returns how many.

        One of which nobody can be told stands in the way of no other; it is tried again the next time.
        """
        told = 0
        for one in await self._in_thread(self._history.lost):
            _log.error("workflow %s %s was found lost: %s", one.workflow, one.argument, one.error)
            try:
                await self._on_lost(one.workflow, one.argument, one.error)
            except Exception:  # noqa: BLE001 -- The sweep outlives whatever one of them met.
                _log.exception("nobody could be told of %s %s", one.workflow, one.argument)
                continue
            await self._in_thread(partial(self._history.mark_told, one.id))
            told += 1
        return told

    async def sweep_for_ever(self, seconds: float) -> None:
        """Sweep once in so many seconds, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001 -- The sweep outlives whatever one round met.
                _log.exception("the sweep for lost workflows failed; it is tried again")
            await asyncio.sleep(seconds)
