"""The workflows as the library sees them: steps in order, with retries, and never lost in silence."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from dbos import DBOS

from bot.domain.retries import Retries
from bot.engine.config import OUTBOX, WORKFLOWS, Call, EngineConfig, EngineError, Work

_log = logging.getLogger(__name__)
_MAX_RECOVERIES: Final = 25
"""Processes that may die under one workflow before it is given up: it may be what kills them."""
_MAX_RECOVERIES_OF_TELLING: Final = 100
"""What waits for GitHub outlives many restarts that it has nothing to do with."""


class GivenUpError(EngineError):
    """The last word on a workflow, left in its row for the sweep; the message is the whole story."""


class InHand:
    """The workflows that run in this process, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._waiting: set[asyncio.Task[object]] = set()
        self._closed = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark the current task as in the middle of a call; between two attempts it is not."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- Steps are coroutines, they always run in a task.
        self._waiting.discard(task)
        try:
            yield
        except Exception:
            self._waiting.add(task)
            raise

    def enter(self, ended: Callable[[], None]) -> None:
        """Count the current task until it has ended, its outcome recorded; then call `ended`.

        Once a stop has begun it cancels instead: what a poller had claimed by then is left to the next start.
        """
        if self._closed:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(self._waiting.discard)
            task.add_done_callback(lambda _: ended())

    async def drain(self, seconds: float) -> None:
        """Wait for calls in progress; what is left then, or only waits for its next attempt, is cancelled."""
        self._closed = True
        deadline = asyncio.get_running_loop().time() + seconds
        while (busy := self._tasks - self._waiting) and (
            rest := deadline - asyncio.get_running_loop().time()
        ) > 0:
            await asyncio.wait(busy, timeout=min(rest, 0.2), return_when=asyncio.FIRST_COMPLETED)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


class Workflows:
    """Makes the workflows known to the library, and runs their steps."""

    def __init__(
        self,
        work: Work,
        config: EngineConfig,
        in_hand: InHand,
        *,
        permitted: Callable[[], Awaitable[None]],
        ended: Callable[[str], None],
    ) -> None:
        """Make them from `work`.

        `permitted` is awaited before each call: it cancels what this process must not do any more. `ended` is
        called with the name of each workflow that is over, which may let the next one begin.
        """
        self._work = work
        self._config = config
        self._in_hand = in_hand
        self._permitted = permitted
        self._ended = ended

    def register(self) -> None:
        """Register every workflow; before the library is launched."""
        for name, call in self._work.calls().items():
            if WORKFLOWS[name] == OUTBOX:
                self._register(name, call, self._config.telling, _MAX_RECOVERIES_OF_TELLING)
            else:
                self._register(name, call, self._config.retries, _MAX_RECOVERIES)

    def _register(self, name: str, call: Call, retries: Retries, recoveries: int) -> None:
        @DBOS.workflow(name=name, max_recovery_attempts=recoveries)
        async def workflow(argument: str) -> None:
            self._in_hand.enter(partial(self._ended, name))
            try:
                await self._step(name, partial(call, argument), retries, retries.worth)
            except Exception as error:  # noqa: BLE001 -- The catch-all of each delivery and run.
                # The library's own signals (ownership lost, cancelled) are no Exceptions and pass by.
                _log.exception("workflow %s %s is given up", name, argument)
                await self._tell(name, argument, describe(error))

    async def _tell(self, name: str, argument: str, error: str) -> None:
        """Have it recorded. Then the workflow counts as done: an ERROR row means that nobody knows yet."""
        record = partial(self._work.on_lost, name, argument, error)
        try:
            await self._step("on_lost", record, self._config.retries, lambda _: True)
        except Exception as failure:
            _log.exception("nobody could be told that %s %s is given up", name, argument)
            raise GivenUpError(error) from failure

    async def _step(
        self,
        name: str,
        call: Callable[[], Awaitable[None]],
        retries: Retries,
        worth: Callable[[BaseException], bool],
    ) -> None:
        """Run a step with attempts of our own: the library's could not wait as long as GitHub asks."""

        async def attempts() -> None:
            for attempt in itertools.count(1):
                await self._permitted()
                try:
                    with self._in_hand.working():
                        await call()
                except Exception as error:
                    if attempt >= retries.attempts or not worth(error):
                        raise
                    wait = retries.wait(attempt, error)
                    _log.warning("%s is tried again in %.0f s: %s", name, wait, describe(error))
                else:
                    return
                await asyncio.sleep(wait)

        await DBOS.run_step_async({"name": name}, attempts)


def describe(error: BaseException) -> str:
    """Return one line: the kind of error and its message."""
    # An error read back from the database is of the library's class and carries the name of its own.
    kind = getattr(error, "name", None) or type(error).__name__
    if kind == GivenUpError.__name__:
        return str(error)
    return " ".join(f"{kind}: {error}".split())
