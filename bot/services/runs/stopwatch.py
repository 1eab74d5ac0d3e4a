"""Measure the phases of a run, for its record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


class Stopwatch:
    """Seconds per part, one after the other; made inside the event loop whose clock it reads."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self._last = self._clock()
        self._seconds: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """End a part; the next one begins."""
        now = self._clock()
        self._seconds[part] = round(now - self._last, 4)
        self._last = now

    def inside(self, parts: Mapping[str, float]) -> None:
        """End a phase that has measured its own parts; the remaining time counts as `around`."""
        self.lap("around")
        self._seconds["around"] = round(max(self._seconds["around"] - sum(parts.values()), 0.0), 4)
        self._seconds.update({name: round(value, 4) for name, value in parts.items()})

    @property
    def seconds(self) -> dict[str, float]:
        """Part -> seconds, so far."""
        return dict(self._seconds)


async def together(first: Awaitable[_A], second: Awaitable[_B]) -> tuple[_A, _B]:
    """Await both concurrently; then raise the first error, in the order of the arguments.

    Both have ended afterwards, so that a resource they use can be released.
    """
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(two, BaseException):
        raise two
    return one, two
