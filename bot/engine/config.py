"""What the engine is told: where it keeps its rows, how much it may do at once, and whom it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.domain.errors import GatewrightError
from bot.domain.retries import Retries

APPLICATION: Final = "gatewright"
VERSION: Final = "gatewright-engine-1"
"""Raised only when the order of steps changes: rows of another version are run by nobody (`stranded`)."""

_MORE_THAN_ANY: Final = 1_000_000
"""A cap that nothing reaches."""


class EngineError(GatewrightError):
    """The engine of durable workflows cannot run, or was asked for something impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCaps:
    """How many jobs of a queue run at once; None for no limit."""

    name: str
    per_worker: int
    """In this process."""
    over_all: int | None = None
    per_key: int | None = None
    """Of one partition over all workers; 1 makes it first in, first out."""
    per_environment: int | None = None
    """Of one environment of a repository over all workers, whatever the partitions of its jobs."""

    @property
    def stored(self) -> tuple[int | None, int | None]:
        """What is stored for all workers: the caps over all and per key.

        A queue with a cap per environment always has both: then the library claims one partition after the other,
        in transactions that exclude one another.
        """
        if self.per_environment is None:
            return self.over_all, self.per_key
        return self.over_all or _MORE_THAN_ANY, self.per_key or _MORE_THAN_ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Settings of the engine. Caps per worker are each process's own; the others must be the same in all."""

    database_url: str = field(repr=False)
    """`sqlite:///…` or `postgresql://…`, the same database as the bot's own tables."""
    plans_per_worker: int = 4
    changes_per_worker: int = 2
    deliveries_per_worker: int = 16
    checks_per_worker: int = 2
    """Nobody waits for these, so they may not take the connections of what people wait for."""
    plans_global: int | None = None
    """Plans at once over all workers; None for no limit."""
    plans_per_repository: int | None = None
    plans_per_environment: int | None = None
    changes_global: int | None = None
    changes_per_environment: int | None = None
    poll_seconds: float = 0.25
    listen: bool = True
    """False: this process only accepts work (PostgreSQL), the workers do it."""
    takeover_seconds: float = 20.0
    """PostgreSQL: the silence after which this process is taken for dead and its work is taken over."""
    sweep_seconds: float = 60.0
    """How often workflows that ended in an error without anybody being told are looked for."""
    retries: Retries = field(default_factory=Retries)
    telling: Retries = field(default_factory=lambda: Retries(attempts=1000, longest_wait=300.0))
    """Of the outbox: what is to be told is kept for more than three days, for it can still be told then."""
    tellings_per_worker: int = 64
    """Most of these wait while GitHub is away, so there may be many."""

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

    def queues(self) -> tuple[QueueCaps, ...]:
        """Return every queue with its caps."""
        return (
            QueueCaps(name="inbox", per_worker=self.deliveries_per_worker, per_key=1),
            QueueCaps(name="checks", per_worker=self.checks_per_worker, per_key=1),
            QueueCaps(
                name="plans",
                per_worker=self.plans_per_worker,
                over_all=self.plans_global,
                per_key=self.plans_per_repository,
                per_environment=self.plans_per_environment,
            ),
            QueueCaps(
                name="changes",
                per_worker=self.changes_per_worker,
                over_all=self.changes_global,
                per_key=1,
                per_environment=self.changes_per_environment,
            ),
            QueueCaps(name=OUTBOX, per_worker=self.tellings_per_worker, per_key=1),
        )

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
    """What workflows do, one step each. Every call may happen more than once: a step whose process died is repeated."""

    handle_delivery: Call
    handle_check: Call
    """Given the id of a delivery that tells of another program's check."""
    execute_plan: Call
    execute_change: Call
    announce_change: Call
    report_plan: Call
    report_change: Call
    report_loss: Call
    """Given the id of a delivery that could not be handled."""
    on_lost: OnLost
    """Nothing more will be tried: record it. It may be called again for the same workflow."""

    def calls(self) -> dict[str, Call]:
        """Workflow -> its one step, which has the same name; another meaning of a name needs another VERSION."""
        return {name: getattr(self, name) for name in WORKFLOWS}


OUTBOX: Final = "outbox"
"""What is to be written on GitHub, in order per pull request, however long GitHub is away."""
WORKFLOWS: Final = {
    "handle_delivery": "inbox",
    "handle_check": "checks",
    "execute_plan": "plans",
    "execute_change": "changes",
    "announce_change": OUTBOX,
    "report_plan": OUTBOX,
    "report_change": OUTBOX,
    "report_loss": OUTBOX,
}
"""Workflow -> its queue."""
QUEUES: Final = frozenset(WORKFLOWS.values())
