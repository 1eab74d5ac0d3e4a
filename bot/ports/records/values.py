"""Values of the records: deliveries, jobs, runs, state versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.core.accounts import Account
from bot.domain.core.model import (
    DeliveryId,
    PlanId,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
    StateKey,
    StateOperation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery as it arrived."""

    id: DeliveryId
    event: str
    action: str | None
    repo: str | None
    pull: int | None
    payload: bytes = field(repr=False)
    received_at: datetime
    outcome: str | None = None
    """None until handled; then `handled`, `ignored`, `failed`, or `given_up` after every retry."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A durable workflow to start."""

    workflow: str
    """A name of the table in `bot.domain.core.workflows`."""
    id: str
    """Unique; enqueuing the same id twice starts it once."""
    argument: str
    """Delivery id or run id; for the queue `statuses`, JSON."""
    queue: str
    """The workflow's queue."""
    partition: str
    """FIFO key inside the queue.

    `owner/repo#pull` for the inbox, the outbox and statuses, `owner/repo` for checks, the state key for
    changes. For plans `owner/repo`, which limits how many run at once; plans have no order.
    """
    environment: str = ""
    """`owner/repo env`, which limits concurrent runs; empty if there is no environment."""
    delay: timedelta = timedelta()
    """How long it waits before it is queued."""
    asked: bool = False
    """Whether it answers a command: it overtakes other partitions, but not earlier jobs of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be recorded and started."""

    id: RunId
    kind: RunKind
    stack: Stack
    installation_id: int
    pull: int | None
    head_sha: Sha | None
    base_sha: Sha | None
    actor: Account
    comment_id: int | None
    plan_id: PlanId | None
    arguments: tuple[str, ...]
    policy_digest: str | None
    correlation_id: str
    dedupe_key: str
    """Only the first run with a key is recorded."""
    operation: StateOperation | None = None
    head_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One transition of a run."""

    run_id: RunId
    status: RunStatus
    at: datetime
    actor: Account
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """A snapshot of a state object."""

    state_key: StateKey
    identity: StateIdentity
    object_key: str | None
    """None when there was no state yet."""
    commit: Sha | None
    actor: Account
    run_id: RunId
    moment: str
    """`before` or `after`."""
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An encrypted output of an apply."""

    run_id: RunId
    name: str
    object_key: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Something we created on GitHub: a comment, a check, a deployment."""

    id: int
    node_id: str | None = None
    """Its GraphQL node id, if known."""
