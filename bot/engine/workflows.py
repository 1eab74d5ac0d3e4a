"""Register the workflows with the library: one call each, retried, its failure recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from dbos import DBOS

from bot.domain.core.retries import Retries
from bot.domain.core.workflows import PATIENT
from bot.engine.config import WORKFLOWS, Call, EngineConfig, EngineError, Work
from bot.services.runs.retrying import persist

_log = logging.getLogger(__name__)
_MAX_RECOVERIES: Final = 25
"""How many processes may die while they run a workflow before it fails: it may be the cause."""
_MAX_RECOVERIES_OF_REPORTS: Final = 100
"""Higher, because a workflow that waits for GitHub sees many restarts that it did not cause."""


class GivenUpError(EngineError):
    """A workflow's final error, left in its row for the sweep."""


class RunningCalls:
    """The workflows that run in this process, so that a stop can wait for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._waiting: set[asyncio.Task[object]] = set()
        self._closed = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark the current task as inside a call, not between two attempts."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- Calls are coroutines, they always run in a task.
        self._waiting.discard(task)
        try:
            yield
        except Exception:
            self._waiting.add(task)
            raise

    def enter(self, ended: Callable[[], None]) -> None:
        """Count the current task until it has ended, its outcome recorded; then call `ended`."""
        if self._closed:
            # What a poller has claimed after the stop began is left to the next start.
            raise asyncio.CancelledError
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(self._waiting.discard)
            task.add_done_callback(lambda _: ended())

    async def drain(self, seconds: float) -> None:
        """Wait for running calls; cancel those that remain or wait for another attempt."""
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
    """Registers the workflows with the library, and makes their calls."""

    def __init__(
        self,
        work: Work,
        config: EngineConfig,
        running_calls: RunningCalls,
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
        self._running_calls = running_calls
        self._permitted = permitted
        self._ended = ended

    def register(self) -> None:
        """Register every workflow; before the library is launched."""
        for name, call in self._work.calls().items():
            if WORKFLOWS[name] in PATIENT:
                self._register(name, call, self._config.report_retries, _MAX_RECOVERIES_OF_REPORTS)
            else:
                self._register(name, call, self._config.retries, _MAX_RECOVERIES)

    def _register(self, name: str, call: Call, retries: Retries, recoveries: int) -> None:
        @DBOS.workflow(name=name, max_recovery_attempts=recoveries)
        async def workflow(argument: str) -> None:
            self._running_calls.enter(partial(self._ended, name))
            try:
                await self._call(name, partial(call, argument), retries, retries.worth)
            except Exception as error:  # noqa: BLE001 -- The catch-all of each delivery and run.
                # The library's own signals (ownership lost, cancelled) are no Exceptions and pass by.
                _log.exception("workflow %s %s failed for good", name, argument)
                await self._record_failure(name, argument, describe(error))

    async def _record_failure(self, name: str, argument: str, error: str) -> None:
        """Record a failure, after which the workflow counts as done."""
        record = partial(self._work.on_lost, name, argument, error)
        try:
            await self._call("on_lost", record, self._config.retries, lambda _: True)
        except Exception as failure:
            _log.exception("the failure of %s %s could not be recorded", name, argument)
            raise GivenUpError(error) from failure

    async def _call(
        self,
        name: str,
        call: Callable[[], Awaitable[None]],
        retries: Retries,
        worth: Callable[[BaseException], bool],
    ) -> None:
        """Call with attempts of our own: the library's could not wait as long as GitHub asks."""

        async def attempt() -> None:
            await self._permitted()
            with self._running_calls.working():
                await call()

        # No step of the library's: it would record the end of the call a moment before the end of the workflow,
        # for four statements. A call is repeated after a crash either way, and knows what it did before.
        await persist(retries, name, attempt, worth=worth)


def describe(error: BaseException) -> str:
    """Return one line: the kind of error and its message."""
    # An error read back from the database is of the library's class and carries the original name.
    kind = getattr(error, "name", None) or type(error).__name__
    if kind == GivenUpError.__name__:
        return str(error)
    return " ".join(f"{kind}: {error}".split())
