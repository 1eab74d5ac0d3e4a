"""The workflows as the library sees them: steps in order, with retries, and never lost in silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from dbos import DBOS, StepOptions
from dbos import error as dbos_error

from bot.engine.config import Call, EngineError, Retries, Work

_log = logging.getLogger(__name__)
_MAX_RECOVERIES: Final = 10
"""Processes that may die under one workflow before it is given up: it may be what kills them."""


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
        self, work: Work, retries: Retries, in_hand: InHand, *, ended: Callable[[str], None]
    ) -> None:
        """`ended` is called with the name of each workflow that is over, which may let the next one begin."""
        self._work = work
        self._retries = retries
        self._in_hand = in_hand
        self._ended = ended

    def register(self) -> None:
        """Register every workflow; before the library is launched."""
        for name, steps in self._work.steps().items():
            self._register(name, steps)

    def _register(self, name: str, steps: tuple[tuple[str, Call], ...]) -> None:
        @DBOS.workflow(name=name, max_recovery_attempts=_MAX_RECOVERIES)
        async def workflow(argument: str) -> None:
            self._in_hand.enter(partial(self._ended, name))
            try:
                for step, call in steps:
                    await self._step(step, partial(call, argument), self._retries.worth)
            except Exception as error:  # noqa: BLE001 -- The catch-all of each delivery and run.
                # The library's own signals (ownership lost, cancelled) are no Exceptions and pass by.
                _log.exception("workflow %s %s is given up", name, argument)
                await self._tell(name, argument, describe(error))

    async def _tell(self, name: str, argument: str, error: str) -> None:
        """Have somebody told. Then the workflow counts as done: an ERROR row means that nobody knows yet."""
        try:
            await self._step("on_lost", partial(self._work.on_lost, name, argument, error), lambda _: True)
        except Exception as failure:
            _log.exception("nobody could be told that %s %s is given up", name, argument)
            raise GivenUpError(error) from failure

    async def _step(
        self, name: str, call: Callable[[], Awaitable[None]], worth: Callable[[BaseException], bool]
    ) -> None:
        async def attempt() -> None:
            with self._in_hand.working():
                await call()

        options: StepOptions = {
            "name": name,
            "retries_allowed": True,
            "max_attempts": self._retries.attempts,
            "interval_seconds": self._retries.first_wait,
            "backoff_rate": self._retries.factor,
            "should_retry": worth,
        }
        await DBOS.run_step_async(options, attempt)


def describe(error: BaseException) -> str:
    """Return one line: the kind of error and its message; of repeated attempts, that of the last."""
    if isinstance(error, dbos_error.DBOSMaxStepRetriesExceeded) and error.errors:
        error = error.errors[-1]
    # An error read back from the database is of the library's class and carries the name of its own.
    kind = getattr(error, "name", None) or type(error).__name__
    if kind == GivenUpError.__name__:
        return str(error)
    return " ".join(f"{kind}: {error}".split())
