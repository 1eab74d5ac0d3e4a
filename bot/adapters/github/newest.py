"""Skips queued updates of an object that a newer update replaces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from bot.adapters.github.pacing import Place, SupersededError
from bot.adapters.github.transport import Answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Write:
    place: Place
    result: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class NewestOnly:
    """The queued updates, by the object that they update."""

    def __init__(self) -> None:
        self._writes: dict[Hashable, list[_Write]] = {}

    async def write(self, subject: Hashable, place: Place, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer of `send`, or of the newer update that was written instead.

        The newer update takes the place of the older one in the queue.
        """
        mine = _Write(place=place)
        writes = self._writes.setdefault(subject, [])
        for older in writes:
            # Otherwise a frequently updated object would move back in the queue with each update.
            if older.place.waits:
                place.order = min(place.order, older.place.order)
            older.place.supersede()
        writes.append(mine)
        try:
            answer = await _written(mine, writes, send)
            mine.result.set_result(answer)
        except Exception as error:
            mine.result.set_exception(error)
            # asyncio logs exceptions of futures that are never read; this one is raised here.
            mine.result.exception()
            raise
        finally:
            mine.result.cancel()
            # An older update that is retried must find this one, so the list is kept until all have ended.
            if all(write.result.done() for write in writes):
                self._writes.pop(subject, None)
        return answer


async def _written(mine: _Write, writes: list[_Write], send: Callable[[], Awaitable[Answer]]) -> Answer:
    while True:
        try:
            return await send()
        except SupersededError:
            newer = _newest_after(mine, writes)
            if newer is not None:
                await asyncio.wait([newer.result])
                if not newer.result.cancelled():
                    return newer.result.result()
            # The caller of the newer update was cancelled before it was written, so this one has to be written.
            mine.place.superseded = _newest_after(mine, writes) is not None


def _newest_after(mine: _Write, writes: list[_Write]) -> _Write | None:
    later = writes[writes.index(mine) + 1 :]
    return next((write for write in reversed(later) if not write.result.cancelled()), None)
