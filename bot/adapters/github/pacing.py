"""Writing no faster than GitHub allows, in the order in which the writes were asked for."""

from __future__ import annotations

import asyncio
from collections import deque

from bot.adapters.github.options import Waits
from bot.domain.errors import GitHubUnavailableError


class Pacer:
    """One lane of writes: at least `spacing` seconds apart, and no more than each sliding window holds.

    Waiters are served first come first served, because `asyncio.Lock` is fair.
    """

    def __init__(
        self, waits: Waits, *, spacing: float, limits: tuple[tuple[float, int], ...], patience: float
    ) -> None:
        self._waits = waits
        self._spacing = spacing
        self._limits = limits
        self._patience = patience
        self._lock = asyncio.Lock()
        self._turns: deque[float] = deque(maxlen=max((most for _, most in limits), default=1))

    async def turn(self, doing: str) -> None:
        """Wait for the next turn; GitHubUnavailableError when that would take longer than `patience`."""
        async with self._lock:
            wait = self._wait()
            if wait > self._patience:
                raise GitHubUnavailableError(
                    f"{doing}: GitHub's limit for writing comments is used up", retry_after=wait
                )
            if wait > 0:
                await self._waits.sleep(wait)
            self._turns.append(self._waits.monotonic())

    def _wait(self) -> float:
        now = self._waits.monotonic()
        waits = [0.0]
        if self._turns:
            waits.append(self._turns[-1] + self._spacing - now)
        waits += [
            self._turns[-most] + window - now for window, most in self._limits if len(self._turns) >= most
        ]
        return max(waits)
