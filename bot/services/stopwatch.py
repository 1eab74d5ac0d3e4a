"""Where the time of a run goes; people who wonder why something is slow find it in the run's record."""

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
        """End a stretch that has measured its own parts; what is left of it counts as `around`."""
        self.lap("around")
        self._seconds["around"] = round(max(self._seconds["around"] - sum(parts.values()), 0.0), 4)
        self._seconds.update({name: round(value, 4) for name, value in parts.items()})

    @property
    def seconds(self) -> dict[str, float]:
        """Part -> seconds, so far."""
        return dict(self._seconds)


async def together(first: Awaitable[_A], second: Awaitable[_B]) -> tuple[_A, _B]:
    """Await both at once and to their ends; then raise what failed, the first's failure before the second's.

    Nothing is left running when one of them fails, so that whoever holds a resource for them may let go of it.
    """
    one, two = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(one, BaseException):
        raise one
    if isinstance(two, BaseException):
        raise two
    return one, two
