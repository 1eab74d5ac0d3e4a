"""Limits the rate of writes, and orders them by priority."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from bot.adapters.github.options import Options, Waits
from bot.domain.core.errors import GatewrightError, GitHubUnavailableError
from bot.domain.core.write_buckets import Turn, WriteKind, WriteLimits, WriteState, ask, close, release
from bot.ports import Clock
from bot.ports.write_ledger import StoredLedger, WriteLedger

Result = TypeVar("Result")
_LONGEST_REST = 0.5
"""Seconds; shorter than a claim lasts, so that the ledger knows that this process waits."""


class OwnLedger:
    """Counts the writes of this process only."""

    def __init__(self) -> None:
        self._states: dict[str, WriteState] = {}

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Apply `step` to the state and return its result."""
        state, result = step(self._states.get(installation, WriteState()))
        self._states[installation] = state
        return result


class SoleLedger:
    """Counts writes in memory for a single process; stores only counts that a successor needs."""

    def __init__(self, ledger: StoredLedger) -> None:
        self._ledger = ledger
        self._states: dict[str, WriteState] = {}
        self._changing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def change_writes(
        self, installation: str, step: Callable[[WriteState], tuple[WriteState, Result]]
    ) -> Result:
        """Replace the state by the result of `step`, and return that result."""
        async with self._changing[installation]:
            before = self._states.get(installation)
            if before is None:
                before = await self._ledger.change_writes(installation, lambda stored: (stored, stored))
            after, result = step(before)
            # Who writes and who waits ends with this process.
            if (after.spent, after.closed_until) != (before.spent, before.closed_until):
                await self._ledger.store_writes(installation, after)
            self._states[installation] = after
            return result


class SupersededError(Exception):
    """A newer update of the same object is queued; this one need not be written."""


@dataclass(slots=True, eq=False)
class Place:
    """A place in the queue, kept for all attempts of one write."""

    kind: WriteKind
    order: int
    doing: str
    turn: asyncio.Future[None] | None = field(default=None, init=False)
    superseded: bool = field(default=False, init=False)

    @property
    def waits(self) -> bool:
        """Whether it has not had its turn yet."""
        return self.turn is not None and not self.turn.done()

    def supersede(self) -> None:
        """Skip this write: a newer update of the same object is queued."""
        self.superseded = True
        self.fail(SupersededError(self.doing))

    def fail(self, error: Exception) -> None:
        """End the waiting with an error, if it still waits."""
        if self.turn is not None and not self.turn.done():
            self.turn.set_exception(error)


class WriteQueue:
    """The writes of this process: one at a time per installation, as the ledger permits."""

    def __init__(self, clock: Clock, options: Options, waits: Waits) -> None:
        self._clock = clock
        self._waits = waits
        self._options = options
        self._ledger: WriteLedger = options.ledger or OwnLedger()
        self._holder = secrets.token_hex(8)
        self._orders = itertools.count()
        self._lanes: dict[str, _Lane] = {}

    def place(self, kind: WriteKind, doing: str) -> Place:
        """Return a place behind all earlier ones."""
        return Place(kind=kind, order=next(self._orders), doing=doing)

    @asynccontextmanager
    async def turn(self, installation: str, place: Place) -> AsyncIterator[None]:
        """Wait for a turn to write, which lasts until the end of the block.

        Raises GitHubUnavailableError if the wait would exceed `patience`, or the error with which the place
        was failed.
        """
        lane = self._lanes.get(installation)
        if lane is None:
            account = _Account(
                installation=installation, ledger=self._ledger, clock=self._clock, holder=self._holder
            )
            lane = self._lanes[installation] = _Lane(account, self._waits, self._options)
        await lane.join(place)
        try:
            yield
        finally:
            lane.leave()

    async def close(self, installation: str, seconds: float) -> None:
        """Block the writes of all processes for some seconds, after a rate limit of GitHub."""
        until = self._clock.now().timestamp() + seconds

        def step(state: WriteState) -> tuple[WriteState, None]:
            return close(state, until), None

        # If the ledger cannot be reached, at least this process waits: its sender remembers the limit as well.
        with suppress(GatewrightError):
            await self._ledger.change_writes(installation, step)

    async def stop(self) -> None:
        """Refuse all waiting writes, and wait for the end of the current ones."""
        for lane in self._lanes.values():
            await lane.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """The ledger's entry of one installation, as this process changes it."""

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
    """The queued writes of one installation."""

    def __init__(self, account: _Account, waits: Waits, options: Options) -> None:
        self._account = account
        self._waits = waits
        self._limits = options.write_limits or WriteLimits()
        self._patience = options.patience
        self._places: set[Place] = set()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    async def join(self, place: Place) -> None:
        """Wait for a turn, which ends with `leave`."""
        if place.superseded:
            raise SupersededError(place.doing)
        turn = place.turn = asyncio.get_running_loop().create_future()
        self._places.add(place)
        self._news.set()
        # One task serves all places of the installation, and ends when none is left.
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        try:
            await turn
        except asyncio.CancelledError:
            # The turn was granted at the moment of the cancellation: pass it on.
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
        """End all waiting; the ledger is not used afterwards."""
        for place in self._waiting():
            place.fail(GitHubUnavailableError(f"{place.doing}: the process is stopping"))
        if self._serving is not None:
            await asyncio.wait([self._serving])

    def _waiting(self) -> list[Place]:
        """Return the waiting places, in the order in which they may write."""
        waiting = (place for place in self._places if place.waits)
        return sorted(waiting, key=lambda place: (place.kind.rank, place.order))

    async def _serve(self) -> None:
        """Grant turns as long as places wait."""
        try:
            while self._waiting():
                while waiting := self._waiting():
                    await self._next(waiting)
                # Places may have been added during this release, hence the outer loop.
                await self._account.release()
        except Exception as error:  # noqa: BLE001 -- All waiting callers must be woken, whatever failed.
            for place in self._waiting():
                place.fail(_failure(place, error))
        finally:
            self._serving = None

    async def _next(self, waiting: list[Place]) -> None:
        """Grant one turn and wait for its end, or wait until the ledger may grant one."""
        self._news.clear()
        kinds = tuple(dict.fromkeys(place.kind for place in waiting))
        turn = await self._account.ask(self._limits, kinds)
        self._refuse(turn)
        # The list may have changed during the call to the ledger, so it is read again.
        chosen = next((place for place in self._waiting() if place.kind == turn.granted), None)
        if chosen is not None and chosen.turn is not None:
            self._ended.clear()
            chosen.turn.set_result(None)
            await self._ended.wait()
        elif turn.granted is None and self._waiting():
            await self._rest(min(_LONGEST_REST, *turn.waits.values()))

    def _refuse(self, turn: Turn) -> None:
        """Fail the places that would have to wait longer than `patience`."""
        for place in self._waiting():
            wait = turn.waits.get(place.kind, 0.0)
            if place.kind in turn.starved and wait > self._patience:
                text = f"{place.doing}: GitHub's limit for writing is used up"
                place.fail(GitHubUnavailableError(text, retry_after=wait))

    async def _rest(self, seconds: float) -> None:
        """Sleep, or wake up early when a place is added or removed."""
        both = [asyncio.ensure_future(self._waits.sleep(seconds)), asyncio.ensure_future(self._news.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in both:
                each.cancel()


def _failure(place: Place, error: Exception) -> Exception:
    if isinstance(error, GatewrightError):
        # The ledger failed, not GitHub, but the write can be retried later just the same.
        failure = GitHubUnavailableError(f"{place.doing}: {error}")
        failure.__cause__ = error
        return failure
    return error
