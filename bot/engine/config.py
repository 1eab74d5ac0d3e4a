"""The engine's configuration, and the functions that its workflows call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bot.domain.core import workflows
from bot.domain.core.errors import GatewrightError
from bot.domain.core.retries import Retries

APPLICATION: Final = "gatewright"
VERSION: Final = "gatewright-engine-1"
"""Raised only if the order of steps changes: no process runs rows of another version (`stranded`)."""

_MORE_THAN_ANY: Final = 1_000_000
"""A cap that nothing reaches."""
_KEPT_SHARE: Final = 4
"""Most jobs may wait for GitHub's limits, which a command does not."""


class EngineError(GatewrightError):
    """The engine of durable workflows cannot run, or a request to it is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Limits of concurrent jobs of a queue; None for no limit."""

    name: str
    per_worker: int
    """In this process."""
    over_all: int | None = None
    per_key: int | None = None
    """Of one partition over all workers; 1 makes it first in, first out."""
    has_commands: bool = True
    """Whether some of its jobs answer commands."""
    kept: int = 0
    """Of `per_worker`, how many are left to what answers a command."""
    per_environment: int | None = None
    """Of one environment of a repository over all workers, whatever the partitions of its jobs."""

    @property
    def stored(self) -> tuple[int | None, int | None]:
        """The limits that are stored for all workers: over all, and per key."""
        if self.per_environment is None:
            return self.over_all, self.per_key
        # With both set, the library claims one partition after the other, in transactions that exclude one another.
        return self.over_all or _MORE_THAN_ANY, self.per_key or _MORE_THAN_ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """The engine's settings; all but the limits per worker must be equal in all processes."""

    database_url: str = field(repr=False)
    """`sqlite:///…` or `postgresql://…`, the same database as the bot's own tables."""
    plans_per_worker: int = 4
    changes_per_worker: int = 2
    deliveries_per_worker: int = 16
    checks_per_worker: int = 2
    """Few, because no person waits for them: they must not use up the database connections."""
    plans_global: int | None = None
    """Concurrent plans over all workers; None for no limit."""
    plans_per_repository: int | None = None
    plans_per_environment: int | None = None
    changes_global: int | None = None
    changes_per_environment: int | None = None
    poll_seconds: float = 0.25
    """Seconds between two polls of an active queue."""
    idle_poll_seconds: float = 10.0
    """Seconds between two polls of an idle queue.

    New jobs wake a poller immediately; polls only matter if another process is full, or after a lost
    connection.
    """
    listen: bool = True
    """False: this process only accepts work (PostgreSQL), the workers do it."""
    takeover_seconds: float = 20.0
    """PostgreSQL: the silence after which this process is taken for dead and its work is taken over."""
    sweep_seconds: float = 60.0
    """How often failed workflows without a record are looked for."""
    retries: Retries = field(default_factory=Retries)
    report_retries: Retries = field(default_factory=lambda: Retries(attempts=1000, longest_wait=300.0))
    """Of the outbox and the statuses, which are tried for more than three days."""
    reports_per_worker: int = 64
    """Most of these wait while GitHub is away, so there may be many."""
    statuses_per_worker: int = 16
    """They write one at a time; waiting jobs are not rendered yet, and later jobs may replace them."""

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

    def queues(self) -> tuple[QueueLimits, ...]:
        """Return every queue with its caps."""
        return (
            QueueLimits(
                name=workflows.INBOX,
                per_worker=self.deliveries_per_worker,
                per_key=1,
                kept=self.deliveries_per_worker // _KEPT_SHARE,
            ),
            QueueLimits(
                name=workflows.CHECKS, per_worker=self.checks_per_worker, per_key=1, has_commands=False
            ),
            QueueLimits(
                name=workflows.PLANS,
                per_worker=self.plans_per_worker,
                over_all=self.plans_global,
                per_key=self.plans_per_repository,
                per_environment=self.plans_per_environment,
            ),
            QueueLimits(
                name=workflows.CHANGES,
                per_worker=self.changes_per_worker,
                over_all=self.changes_global,
                per_key=1,
                per_environment=self.changes_per_environment,
            ),
            QueueLimits(
                name=workflows.OUTBOX,
                per_worker=self.reports_per_worker,
                per_key=1,
                kept=self.reports_per_worker // _KEPT_SHARE,
            ),
            QueueLimits(
                name=workflows.STATUSES, per_worker=self.statuses_per_worker, per_key=1, has_commands=False
            ),
        )

    @property
    def sqlite_file(self) -> Path | None:
        """The SQLite file, None on PostgreSQL."""
        return Path(str(self.url.database)) if self.url.drivername == "sqlite" else None


Call = Callable[[str], Awaitable[None]]
"""Called with a delivery id or a run id; records everything and never raises for a business failure."""
OnLost = Callable[[str, str, str], Awaitable[None]]
"""Given workflow name, argument, and one line on the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The function that each workflow calls; any call may be repeated after a crash."""

    handle_delivery: Call
    handle_check: Call
    """Given the id of a delivery that reports another program's check."""
    execute_plan: Call
    execute_change: Call
    announce_change: Call
    report_plan: Call
    report_change: Call
    report_loss: Call
    """Given the id of a delivery that could not be handled."""
    show_checks: Call
    """Given what `bot.services.reporting.statuses` made of a pull request's head."""
    show_deployment: Call
    """The same for a run."""
    fold_comment: Call
    """Given what `bot.services.reporting.posting` made of a comment."""
    on_lost: OnLost
    """Nothing more will be tried: record it. It may be called again for the same workflow."""

    def calls(self) -> dict[str, Call]:
        """Return workflow -> its function."""
        return {name: getattr(self, name) for name in WORKFLOWS}


WORKFLOWS: Final = {workflow.name: workflow.queue for workflow in workflows.WORKFLOWS}
"""Workflow -> its queue."""
QUEUES: Final = frozenset(WORKFLOWS.values())
