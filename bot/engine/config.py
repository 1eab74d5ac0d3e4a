"""What the engine is told: where it keeps its rows, how much it may do at once, and whom it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.domain.errors import (
    GatewrightError,
    GitHubUnavailableError,
    IntegrityError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)

APPLICATION: Final = "gatewright"
VERSION: Final = "gatewright-engine-1"
"""Raised only when the order of steps changes: rows of another version are run by nobody (`stranded`)."""


class EngineError(GatewrightError):
    """The engine of durable workflows cannot run, or was asked for something impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a step that met a passing trouble is tried; the waits grow by `factor`, in seconds."""

    attempts: int = 8
    first_wait: float = 1.0
    factor: float = 2.5
    passing: tuple[type[Exception], ...] = (
        GitHubUnavailableError,
        StoreError,
        ConnectionError,
        TimeoutError,
    )
    """Exceptions after which the same call may work later; the composition root adds its adapters' own."""
    lasting: tuple[type[Exception], ...] = (ObjectMissingError, ObjectExistsError, IntegrityError)
    """Subclasses of the above that another attempt cannot cure."""

    def worth(self, error: BaseException) -> bool:
        """Whether another attempt may help."""
        return isinstance(error, self.passing) and not isinstance(error, self.lasting)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of the engine. Caps of one queue are stored with it: the process started last decides them."""

    database_url: str = field(repr=False)
    """`sqlite:///…` or `postgresql://…`, the same database as the bot's own tables."""
    plans_per_worker: int = 4
    changes_per_worker: int = 2
    deliveries_per_worker: int = 16
    plans_global: int | None = None
    """Plans at once over all workers; None for no limit. Not below the worker's own cap."""
    changes_global: int | None = None
    poll_seconds: float = 0.05
    listen: bool = True
    """False: this process only accepts work (PostgreSQL), the workers do it."""
    heartbeat_seconds: float = 3.0
    """PostgreSQL: how often a process says that it lives; after five silent beats its work is taken over."""
    sweep_seconds: float = 60.0
    """How often workflows that ended in an error without anybody being told are looked for."""
    retries: Retries = field(default_factory=Retries)

    @property
    def url(self) -> sa.URL:
        """The database URL without a driver name; EngineError when it is of another kind."""
        try:
            url = sa.make_url(self.database_url)
        except sa.exc.ArgumentError:
            raise EngineError("The engine's database URL is not a URL.") from None
        if url.drivername not in {"sqlite", "postgresql"} or not url.database:
            raise EngineError("The engine needs sqlite:////path/file.db or postgresql://….")
        return url

    @property
    def sqlite_file(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        return Path(str(self.url.database)) if self.url.drivername == "sqlite" else None


Call = Callable[[str], Awaitable[None]]
"""Given a delivery id or a run id; records everything itself and never raises for a business failure."""
OnLost = Callable[[str, str, str], Awaitable[None]]
"""Given workflow name, argument, and one line on the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What workflows do. Every call may happen more than once: a step is repeated when its process died."""

    handle_delivery: Call
    execute_plan: Call
    report_plan: Call
    execute_change: Call
    report_change: Call
    on_lost: OnLost
    """Nothing more will be tried: tell somebody. It may be called again for the same workflow."""

    def steps(self) -> dict[str, tuple[tuple[str, Call], ...]]:
        """Workflow -> its steps in order; another order needs another VERSION."""
        return {
            "handle_delivery": (("handle_delivery", self.handle_delivery),),
            "execute_plan": (("execute_plan", self.execute_plan), ("report_plan", self.report_plan)),
            "execute_change": (
                ("execute_change", self.execute_change),
                ("report_change", self.report_change),
            ),
        }


WORKFLOWS: Final = {"handle_delivery": "inbox", "execute_plan": "plans", "execute_change": "changes"}
"""Workflow -> its queue."""
PARTITIONED: Final = frozenset({"inbox", "changes"})
QUEUES: Final = frozenset(WORKFLOWS.values())
