"""Find failed workflows that left no record, and record them."""

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
    """Records lost workflows, on request and periodically."""

    def __init__(self, history: History, on_lost: OnLost, in_thread: _InThread) -> None:
        self._history = history
        self._on_lost = on_lost
        self._in_thread = in_thread

    async def sweep(self) -> int:
        """Record the workflows that failed without a record; returns how many."""
        recorded = 0
        for one in await self._in_thread(self._history.lost):
            _log.error("workflow %s %s was found lost: %s", one.workflow, one.argument, one.error)
            try:
                await self._on_lost(one.workflow, one.argument, one.error)
            except Exception:  # noqa: BLE001 -- The sweep outlives whatever one of them met.
                # It blocks no other, and is tried again in the next round.
                _log.exception("the failure of %s %s could not be recorded", one.workflow, one.argument)
                continue
            await self._in_thread(partial(self._history.mark_recorded, one.id))
            recorded += 1
        return recorded

    async def sweep_for_ever(self, seconds: float) -> None:
        """Sweep periodically until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:  # noqa: BLE001 -- The sweep outlives whatever one round met.
                _log.exception("the sweep for lost workflows failed; it is tried again")
            await asyncio.sleep(seconds)
