"""Writing as fast as GitHub allows and no faster, what people wait for first."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from bot.adapters.github.options import Options, Waits
from bot.domain.errors import GatewrightError, GitHubUnavailableError
from bot.domain.write_buckets import Turn, WriteKind, WriteLimits, WriteState, ask, close, release
from bot.ports import Clock
from bot.ports.write_ledger import WriteLedger

Result = TypeVar("Result")
_LONGEST_REST = 0.5
"""Less than a claim lasts, so that other processes know that this one waits."""


class OwnLedger:
    """Counts for this process alone."""

    def __init__(self) -> None:
        self._states: dict[str, WriteState] = {}

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Put in force what `step` makes of the state, and return its result."""
        state, result = step(self._states.get(installation, WriteState()))
        self._states[installation] = state
        return result


class SupersededError(Exception):
    """A newer state of the same thing waits to be written: this one need not be."""


@dataclass(slots=True, eq=False)
class Place:
    """A place in the queue, kept over all attempts of one write."""

    kind: WriteKind
    order: int
    doing: str
    turn: asyncio.Future[None] | None = field(default=None, init=False)
    superseded: bool = field(default=False, init=False)

    @property
    def waits(self) -> bool:
        """Whether the turn is still to come."""
        return self.turn is not None and not self.turn.done()

    def supersede(self) -> None:
        """Keep it from being written: a newer state of the same thing waits."""
        self.superseded = True
        self.fail(SupersededError(self.doing))

    def fail(self, error: Exception) -> None:
        """End the waiting, if it waits."""
        if self.turn is not None and not self.turn.done():
            self.turn.set_exception(error)


class WriteQueue:
    """The writes of this process: one at a time for each installation, as the ledger grants them."""

    def __init__(self, clock: Clock, options: Options, waits: Waits) -> None:
        self._clock = clock
        self._waits = waits
        self._options = options
        self._ledger: WriteLedger = options.ledger or OwnLedger()
        self._holder = secrets.token_hex(8)
        self._orders = itertools.count()
        self._lanes: dict[str, _Lane] = {}

    def place(self, kind: WriteKind, doing: str) -> Place:
        """Return a place behind all that were taken before."""
        return Place(kind=kind, order=next(self._orders), doing=doing)

    @asynccontextmanager
    async def turn(self, installation: str, place: Place) -> AsyncIterator[None]:
        """Hold the turn to write.

        Raises GitHubUnavailableError where that would take longer than `patience`, and what the place was failed with.
        """
        lane = self._lanes.get(installation)
        if lane is None:
            book = _Book(
                installation=installation, ledger=self._ledger, clock=self._clock, holder=self._holder
            )
            lane = self._lanes[installation] = _Lane(book, self._waits, self._options)
        await lane.join(place)
        try:
            yield
        finally:
            lane.leave()

    async def close(self, installation: str, seconds: float) -> None:
        """Let no process write for so long: GitHub limits us."""
        until = self._clock.now().timestamp() + seconds

        def step(state: WriteState) -> tuple[WriteState, None]:
            return close(state, until), None

        # This process waits all the same.
        with suppress(GatewrightError):
            await self._ledger.change_writes(installation, step)

    async def stop(self) -> None:
        """Refuse who waits, and wait for the end of what is being written."""
        for lane in self._lanes.values():
            await lane.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What the ledger has of one installation, as one process changes it."""

    installation: str
    ledger: WriteLedger
    clock: Clock
    holder: str

    async def ask(self, limits: WriteLimits, kinds: tuple[WriteKind, ...]) -> Turn:
        def step(state: WriteState) -> tuple[WriteState, Turn]:
            return ask(state, limits, self.holder, kinds, self.clock.now().timestamp())

        return await self.ledger.change_writes(self.installation, step)

    async def release(self) -> None:
        def step(state: WriteState) -> tuple[WriteState, None]:
            return release(state, self.holder), None

        await self.ledger.change_writes(self.installation, step)


class _Lane:
    """The writes of one installation."""

    def __init__(self, book: _Book, waits: Waits, options: Options) -> None:
        self._book = book
        self._waits = waits
        self._limits = options.write_limits or WriteLimits()
        self._patience = options.patience
        self._places: set[Place] = set()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def join(self, place: Place) -> None:
        """Wait for a turn, which `leave` ends."""
        if place.superseded:
            raise SupersededError(place.doing)
        turn = place.turn = asyncio.get_running_loop().create_future()
        self._places.add(place)
        self._news.set()
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise
        finally:
            self._places.discard(place)
            place.turn = None
            self._news.set()

    def leave(self) -> None:
        """End the turn."""
        self._ended.set()

    async def stop(self) -> None:
        """End every waiting; the ledger is not used any more afterwards."""
        for place in self._waiting():
            place.fail(GitHubUnavailableError(f"{place.doing}: the process is stopping"))
        if self._serving is not None:
            await asyncio.wait([self._serving])

    def _waiting(self) -> list[Place]:
        """Return who waits, in the order in which they are to write."""
        waiting = (place for place in self._places if place.waits)
        return sorted(waiting, key=lambda place: (not place.kind.awaited, place.order))

    async def _serve(self) -> None:
        """Give turns while anybody waits."""
        try:
            while self._waiting():
                while waiting := self._waiting():
                    await self._next(waiting)
                await self._book.release()
        except Exception as error:  # noqa: BLE001 -- Nobody may wait for ever, whatever went wrong.
            for place in self._waiting():
                place.fail(_failure(place, error))
        finally:
            self._serving = None

    async def _next(self, waiting: list[Place]) -> None:
        """Give one turn and wait for its end, or wait until it is worth asking again."""
        self._news.clear()
        kinds = tuple(dict.fromkeys(place.kind for place in waiting))
        turn = await self._book.ask(self._limits, kinds)
        self._refuse(turn)
        chosen = next((place for place in self._waiting() if place.kind == turn.granted), None)
        if chosen is not None and chosen.turn is not None:
            self._ended.clear()
            chosen.turn.set_result(None)
            await self._ended.wait()
        elif turn.granted is None and self._waiting():
            await self._rest(min(_LONGEST_REST, *turn.waits.values()))

    def _refuse(self, turn: Turn) -> None:
        """Let those go who would have to wait too long; they are told when to come back."""
        for place in self._waiting():
            wait = turn.waits.get(place.kind, 0.0)
            if place.kind in turn.starved and wait > self._patience:
                text = f"{place.doing}: GitHub's limit for writing is used up"
                place.fail(GitHubUnavailableError(text, retry_after=wait))

    async def _rest(self, seconds: float) -> None:
        """Sleep, or less where somebody comes or goes."""
        both = [asyncio.ensure_future(self._waits.sleep(seconds)), asyncio.ensure_future(self._news.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in both:
                each.cancel()


def _failure(place: Place, error: Exception) -> Exception:
    if isinstance(error, GatewrightError):
        failure = GitHubUnavailableError(f"{place.doing}: {error}")
        failure.__cause__ = error
        return failure
    return error
