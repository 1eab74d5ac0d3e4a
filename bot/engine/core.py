"""Run durable workflows on SQLite or PostgreSQL, enqueued in our own transactions."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import sqlalchemy as sa
from dbos import DBOS

from bot.domain.core.session_limits import SESSION_PREFIX, SessionLimits
from bot.engine.concurrency import OwnLimits
from bot.engine.config import APPLICATION, WORKFLOWS, EngineConfig, EngineError, Work
from bot.engine.dbos_options import config_of, options_of
from bot.engine.file_lock import DatabaseFileLock
from bot.engine.heartbeat import Heartbeat, Succession
from bot.engine.history import Load, Stranded
from bot.engine.library_reads import LibraryReads
from bot.engine.listening import Listener, notify
from bot.engine.storage import Storage, quieten
from bot.engine.sweeping import Sweeper
from bot.engine.wakeups import Wakeups
from bot.engine.workflows import RunningCalls, Workflows
from bot.ports import Job

_Result = TypeVar("_Result")
_DOUBT_SECONDS: Final = 0.1
"""Seconds between looks whether others have taken this process for dead."""


class Engine:
    """Enqueues and runs jobs; at most one engine per process is started."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._executor_id = _name_of(config)
        self.session_limits = SessionLimits(takeover_seconds=config.takeover_seconds, name=self._executor_id)
        """Those of this process's sessions on PostgreSQL, its own as well as the library's."""
        self._storage = Storage(config, self.session_limits)
        self._own_caps = OwnLimits(config.queues(), poll_seconds=config.poll_seconds)
        self._reads = LibraryReads(due=self._due, note_waiting=self._own_caps.note_waiting)
        self._wakeups = Wakeups(before_polling=self._before_polling, longest=config.idle_poll_seconds)
        self._running_calls = RunningCalls()
        self._accepting = False
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="gatewright-engine")
        self._file_lock: DatabaseFileLock | None = None
        self._heartbeat: Heartbeat | None = None
        self._listener: Listener | None = None
        self._sweeper: Sweeper | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._running = self._stopped = False
        self._displaced = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancelling: asyncio.Task[None] | None = None

    # --- Accepting work ---------------------------------------------------------------------------------

    def enqueue(self, connection: sa.Connection, job: Job, sequence: int) -> None:
        """Start `job` when the caller's transaction commits; an id that is known changes nothing.

        `sequence` (1 to 2**31-1, rising) decides the order inside a partition. The tables must be there:
        `start` or `migrate` made them. It does not block, and may be called without `start`.
        """
        self._storage.client.enqueue_in_transaction(connection, options_of(job, sequence), job.argument)
        if connection.dialect.name == "postgresql":
            notify(connection, job.queue)
        elif self._running:
            self._wakeups.wake_after_transaction(connection, job.queue)

    async def migrate(self) -> None:
        """Create or update the engine's own tables; safe while others run."""
        await self._in_thread(self._storage.migrate)

    # --- Running it -------------------------------------------------------------------------------------

    async def start(self, work: Work) -> None:
        """Start to run jobs, and resume those of a dead process, in the current event loop.

        One that does not listen only prepares the tables: it accepts work and runs nothing. Raises EngineError when
        another process holds the SQLite file, or another engine this process.
        """
        if self._running or self._stopped:
            raise EngineError("An engine is started once.")
        if not self._config.listen:
            await self._in_thread(self._storage.migrate)
            await self._in_thread(self._storage.register_queues)
            self._accepting = True
            return
        self._sweeper = Sweeper(self._storage.history, work.on_lost, self._in_thread)
        self._loop = asyncio.get_running_loop()
        try:
            await self._in_thread(self._claim)
            await self._in_thread(self._storage.migrate)
            await self._in_thread(self._storage.register_queues)
            self._launch(work)
        except BaseException:
            await self.stop(0)
            raise
        if self._heartbeat is not None:
            self._heartbeat.reap()
            self._listener = Listener(self._storage.listen, self._wakeups.wake)
            self._listener.start()
        sweeping = self._sweeper.sweep_for_ever(self._config.sweep_seconds)
        self._sweeping = asyncio.create_task(sweeping, name="engine-sweep")

    async def stop(self, drain_seconds: float) -> None:
        """Start nothing new, wait for running calls, and leave the rest to the next start.

        A call that is not done then is cancelled; its workflow stays and is resumed. Stopping twice is harmless;
        a stopped engine is not started again.
        """
        if self._stopped:
            return
        self._stopped = True
        self._wakeups.close()
        await self._running_calls.drain(drain_seconds)
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        # The library made its threads the loop's default ones, and is about to end them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        await self._in_thread(self._shut_down)
        self._threads.shutdown(wait=False)
        self._running = False

    async def displaced(self) -> None:
        """Wait until other processes have taken over this process's work.

        Then nothing more is started, and running calls are cancelled: they belong to others. Stop, and start
        a new process.
        """
        await self._displaced.wait()

    def healthy(self) -> bool:
        """Whether work is being taken up, and (PostgreSQL) the other processes can see that."""
        if not self._config.listen:
            return self._accepting and not self._stopped
        sweeping = self._sweeping is not None and not self._sweeping.done()
        return self._running and sweeping and (self._heartbeat is None or self._heartbeat.healthy)

    async def check(self) -> None:
        """Raise EngineError unless `healthy`."""
        if not self.healthy():
            raise EngineError("This process runs no jobs, or its heartbeat fails.")

    # --- Looking at it ----------------------------------------------------------------------------------

    async def depths(self) -> dict[str, int]:
        """Queue -> jobs that wait in it."""
        return await self._in_thread(self._storage.history.depths)

    async def loads(self) -> list[Load]:
        """Return the numbers of waiting and active jobs, by queue."""
        return await self._in_thread(self._storage.history.loads)

    async def stranded(self) -> list[Stranded]:
        """Return unfinished workflows of unknown name, queue or version, which nothing runs."""
        return await self._in_thread(self._storage.history.stranded)

    async def abandoned(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those workflow ids that are unknown or over."""
        return await self._in_thread(partial(self._storage.history.abandoned, ids))

    async def prune(self, before: datetime) -> int:
        """Delete workflows that finished before that time; returns how many."""
        return await self._in_thread(partial(self._storage.history.prune, before))

    async def sweep(self) -> int:
        """Record the workflows that failed without a record; returns how many."""
        if self._sweeper is None:
            raise EngineError("The engine was not started.")
        return await self._sweeper.sweep()

    # --- Parts ------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        """Exclude other processes from the workflows that this one will own."""
        if self._config.sqlite_file is not None:
            lock = DatabaseFileLock(self._config.sqlite_file)
            lock.acquire()
            self._file_lock = lock
            return
        self._heartbeat = Heartbeat(
            self._storage.sql,
            executor_id=self._executor_id,
            limits=self.session_limits,
            succession=Succession(
                running=self._storage.history.running_executors,
                hand_back=self._hand_back,
                on_declared_dead=self._declared_dead,
            ),
        )
        self._heartbeat.start()

    def _launch(self, work: Work) -> None:
        quieten()
        instance = DBOS(config=config_of(self._config, self._executor_id, self._storage.library))
        if instance._launched:  # noqa: SLF001 -- The library silently hands out the running instance.
            raise EngineError("Another engine runs in this process.")
        self._running = True
        # The next of a key, or of a full queue, need not wait for the poller's next turn either.
        Workflows(
            work,
            self._config,
            self._running_calls,
            permitted=self._permitted,
            ended=lambda workflow: self._wakeups.wake(WORKFLOWS[workflow]),
        ).register()
        self._wakeups.install()
        DBOS.launch()

    def _shut_down(self) -> None:
        if self._running:
            DBOS.destroy(destroy_registry=True)
        self._wakeups.remove()
        if self._listener is not None:
            self._listener.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._storage.close()
        if self._file_lock is not None:
            self._file_lock.release()

    async def _permitted(self) -> None:
        """Wait until this process may work; cancel the caller when it no longer may."""
        while self._heartbeat is not None and not self._heartbeat.healthy:
            if self._heartbeat.declared_dead:
                raise asyncio.CancelledError
            await asyncio.sleep(_DOUBT_SECONDS)

    def _before_polling(self, dbos: DBOS) -> None:
        self._own_caps.install(dbos)
        self._reads.install(dbos)

    def _due(self, queue: str) -> None:
        """Wake all pollers for delayed jobs that are due now; called in a thread of the library."""
        if self._config.sqlite_file is not None:
            self._wakeups.wake(queue)
            return
        with self._storage.sql.begin() as connection:
            notify(connection, queue)

    def _hand_back(self, executor_ids: Sequence[str]) -> None:
        # Private, and the only way without a paid service; the contract test holds the pinned version to it.
        DBOS._recover_pending_workflows(list(executor_ids))  # noqa: SLF001
        self._wakeups.wake_all()

    def _declared_dead(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel_all)

    def _cancel_all(self) -> None:
        """Cancel running calls; a Terraform apply continues, and its successor finds its lock."""
        self._wakeups.close()
        self._cancelling = asyncio.create_task(self._running_calls.drain(0), name="engine-displaced")
        self._displaced.set()

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _name_of(config: EngineConfig) -> str:
    """Return the name of this process start, which is that of its sessions, too."""
    if config.sqlite_file is not None:
        return APPLICATION
    return f"{SESSION_PREFIX}-{socket.gethostname()[:35]}-{secrets.token_hex(8)}"
