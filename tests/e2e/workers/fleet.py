"""One web process and several workers over PostgreSQL, each with a data directory of its own, as on own machines."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import psycopg
from psycopg.rows import dict_row

from bot.adapters.database.connection.schema import migrate
from bot.playground.process import BotProcess
from bot.playground.stack import Playground, free_port

_UNFINISHED = """
    SELECT (SELECT count(*) FROM deliveries WHERE outcome IS NULL)
         + (SELECT count(*) FROM runs WHERE status IN ('queued', 'preparing', 'running'))
         + (SELECT count(*) FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING', 'DELAYED'))
"""
_LIVING = "SELECT executor_id FROM gatewright_engine_heartbeats"
TAKEOVER_SECONDS = 6
"""On a busy machine a process that is well may be silent for some seconds."""
PATIENCE = 180.0
"""The same work takes some times as long there."""


@dataclass(slots=True, kw_only=True)
class Fleet(Playground):
    """A playground whose bot is many processes."""

    database_url: str
    module: str = "bot"
    """What runs in the place of the bot, by the names of its roles."""
    words: tuple[str, ...] = ()
    """What that is given besides."""
    workers: dict[str, BotProcess] = field(default_factory=dict)

    async def start_bot(self) -> None:
        """Bring the schema up to date and start the web part; workers are started by name."""
        await asyncio.to_thread(migrate, self.database_url)
        self.bot = BotProcess(
            directory=self.directory / "bot",
            environment=self.environment() | self._shared(),
            port=self.bot_port,
            command=self._command("serve", "--web-only"),
            module=self.module,
        )
        await self.bot.start()

    async def stop(self, *, keep: bool = True) -> None:
        """Stop every worker, then the rest."""
        await asyncio.gather(*(worker.stop() for worker in self.workers.values()))
        # Named, because `super()` does not work in a dataclass with slots.
        await Playground.stop(self, keep=keep)

    async def start_worker(self, name: str, **settings: str) -> BotProcess:
        """Start a worker that shares nothing with the others but database, object store and GitHub."""
        home, port = self.directory / name, free_port(0)
        own = {
            "GATEWRIGHT_DATA_DIR": str(home / "data"),
            "HOME": str(home),
            "GATEWRIGHT_WORKER_PORT": str(port),
        }
        named = {f"GATEWRIGHT_{key}": value for key, value in settings.items()}
        self.workers[name] = BotProcess(
            directory=home,
            environment=self.environment() | self._shared() | own | named,
            port=port,
            command=self._command("worker"),
            module=self.module,
        )
        await self.workers[name].start()
        return self.workers[name]

    def _command(self, *words: str) -> tuple[str, ...]:
        return words if self.module == "bot" else (words[-1].removeprefix("--"), *self.words)

    def _shared(self) -> dict[str, str]:
        return {
            "GATEWRIGHT_DATABASE_URL": self.database_url,
            "GATEWRIGHT_TAKEOVER_SECONDS": f"{TAKEOVER_SECONDS}",
        }

    # What the records say.

    async def idle(self, *, patience: float = PATIENCE) -> None:
        """Wait until every delivery was answered and nothing is queued or running anywhere."""
        await self.github.settled()
        async with asyncio.timeout(patience):
            while self.github.hooks.pending or await self.busy():  # noqa: ASYNC110 - other processes work
                await asyncio.sleep(0.1)

    async def alone(self) -> None:
        """Wait until one worker alone is taken for alive."""
        async with asyncio.timeout(PATIENCE):
            while len(await asyncio.to_thread(self.ask, _LIVING)) != 1:  # noqa: ASYNC110 - other processes work
                await asyncio.sleep(0.1)

    async def busy(self) -> bool:
        """Whether anything is queued or running anywhere."""
        rows = await asyncio.to_thread(self.ask, _UNFINISHED)
        return any(count for row in rows for count in row.values())

    def ask(self, question: str) -> list[dict[str, object]]:
        """Return what a query finds in the shared database."""
        with contextlib.closing(psycopg.connect(self.database_url, row_factory=dict_row)) as connection:
            return connection.execute(question.encode()).fetchall()
