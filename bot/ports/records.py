"""The bot's database: what is recorded, read and written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.model import (
    DeliveryId,
    FailureClass,
    Login,
    PlanId,
    PlanStatus,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateIdentity,
    StateKey,
    StateOperation,
)
from bot.domain.plan import Lock, PlanRecord
from bot.ports.coordination import CoordinationReader, CoordinationWriter
from bot.ports.environment_queue import EnvironmentQueueReader, EnvironmentQueueWriter
from bot.ports.forks import ForkReader, ForkWriter
from bot.ports.live_log import LogChunkReader, LogChunkWriter
from bot.ports.outlines import OutlineReader
from bot.ports.parity import ParityReader, ParityWriter
from bot.ports.pushers import PusherReader, PusherWriter
from bot.ports.reconciliation import ReconciliationReader
from bot.ports.releases import ReleaseReader, ReleaseWriter
from bot.ports.repositories import RepositoryReader, RepositoryWriter
from bot.ports.rescue import RescueReader, RescueWriter
from bot.ports.restores import RestoreReader, RestoreWriter
from bot.ports.reverts import RevertReader, RevertWriter
from bot.ports.run_audit import RunAuditReader, RunAuditWriter
from bot.ports.run_list import RunListReader
from bot.ports.upkeep import UpkeepReader, UpkeepWriter


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
    """One of the engine's: `handle_delivery`, `handle_check`, `execute_plan`, `execute_change`, or one that writes on
    GitHub."""
    id: str
    """Unique; enqueuing the same id twice starts it once."""
    argument: str
    """Delivery id or run id."""
    queue: str
    """`inbox`, `checks`, `plans`, `changes` or `outbox`."""
    partition: str
    """FIFO key inside the queue: `owner/repo#pull` for the inbox and the outbox, `owner/repo` for checks, the state key
    for changes. For plans `owner/repo`, whose cap it counts against; they have no order."""
    environment: str = ""
    """`owner/repo env`, whose cap it counts against; empty for what is about none."""
    delay: timedelta = timedelta()
    """How long it waits before it is queued."""


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
    actor: Login
    comment_id: int | None
    plan_id: PlanId | None
    arguments: tuple[str, ...]
    policy_digest: str | None
    correlation_id: str
    dedupe_key: str
    """A second run with the same key is not recorded: repeated steps create nothing twice."""
    operation: StateOperation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One transition of a run."""

    run_id: RunId
    status: RunStatus
    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """A snapshot of a state object."""

    state_key: StateKey
    identity: StateIdentity
    object_key: str | None
    """None when there was no state yet."""
    commit: Sha | None
    actor: Login
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
    """What GraphQL calls it, where that is known."""


class Reader(
    UpkeepReader,
    ReleaseReader,
    RevertReader,
    CoordinationReader,
    EnvironmentQueueReader,
    ForkReader,
    LogChunkReader,
    RunListReader,
    RunAuditReader,
    ReconciliationReader,
    OutlineReader,
    RescueReader,
    RestoreReader,
    PusherReader,
    ParityReader,
    RepositoryReader,
    Protocol,
):
    """Reads inside one transaction."""

    async def delivery(self, id: DeliveryId) -> Delivery | None: ...
    async def run(self, id: RunId) -> Run | None: ...
    async def runs(
        self,
        *,
        repo: str | None = None,
        pull: int | None = None,
        state_key: StateKey | None = None,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        limit: int = 100,
    ) -> Sequence[Run]:
        """Return runs, newest first; empty filters mean any."""
        ...

    async def timeline(self, run_id: RunId) -> Sequence[TimelineEntry]: ...
    async def plan(self, id: PlanId) -> PlanRecord | None: ...
    async def plans(
        self,
        *,
        repo: str,
        pull: int | None = None,
        stack: Stack | None = None,
        statuses: Sequence[PlanStatus] = (),
        limit: int = 100,
    ) -> Sequence[PlanRecord]:
        """Return plans, newest first (`stack` compares repo, project and env)."""
        ...

    async def lock(self, stack: Stack) -> Lock | None: ...
    async def locks(self, *, repo: str, pull: int | None = None) -> Sequence[Lock]: ...
    async def remote_id(self, repo: str, key: str) -> int | None:
        """Return the id GitHub gave something we created (a comment, a check, a deployment)."""
        ...

    async def remote(self, repo: str, key: str) -> Remote | None:
        """Return what is known of something we created on GitHub."""
        ...

    async def last_applied(self, state_key: StateKey) -> StateVersion | None:
        """Return the snapshot after the last change that Terraform made and that succeeded, destroys left out."""
        ...

    async def state_versions(self, state_key: StateKey, *, limit: int = 50) -> Sequence[StateVersion]: ...
    async def artifacts(self, run_id: RunId) -> Sequence[Artifact]: ...


class Writer(
    Reader,
    UpkeepWriter,
    ReleaseWriter,
    RevertWriter,
    CoordinationWriter,
    EnvironmentQueueWriter,
    ForkWriter,
    LogChunkWriter,
    RunAuditWriter,
    RescueWriter,
    RestoreWriter,
    PusherWriter,
    ParityWriter,
    RepositoryWriter,
    Protocol,
):
    """Reads and writes inside one transaction (`BEGIN IMMEDIATE` on SQLite)."""

    async def add_delivery(self, delivery: Delivery) -> bool:
        """Record a delivery; False when its GUID is known."""
        ...

    async def finish_delivery(self, id: DeliveryId, outcome: str, note: str) -> None: ...
    async def claim_comment(self, repo: str, comment_id: int, delivery_id: DeliveryId) -> bool:
        """Whether this delivery is the one that handles the comment (true again for the same delivery)."""
        ...

    async def enqueue(self, job: Job) -> None:
        """Start a durable workflow when this transaction commits."""
        ...

    async def add_run(self, run: NewRun, at: datetime) -> Run | None:
        """Record a queued run with its first timeline row; None when its dedupe key is known."""
        ...

    async def move_run(
        self,
        id: RunId,
        status: RunStatus,
        *,
        at: datetime,
        actor: str,
        why: str,
        failure_class: FailureClass | None = None,
        plan_id: PlanId | None = None,
    ) -> bool:
        """Record a transition and its timeline row; False when `lifecycle.may_move` forbids it."""
        ...

    async def set_result(self, id: RunId, *, summary: str, detail: Mapping[str, Any]) -> bool:
        """Record what the report will say, before the move to a terminal status; False when the run has ended.

        Then another worker has told its end, and nothing else of this one counts.
        """
        ...

    async def request_cancel(self, id: RunId, by: Login) -> None: ...
    async def record_intent(self, id: RunId, at: datetime) -> None:
        """Note that a change is about to start; TakenOverError when somebody has noted that, or the run's end, before."""
        ...

    async def add_plan(self, plan: PlanRecord) -> None: ...
    async def set_plan_status(self, id: PlanId, status: PlanStatus, reason: str | None) -> None: ...
    async def mark_posted(self, id: PlanId, at: datetime) -> None: ...
    async def take_lock(self, lock: Lock) -> Lock:
        """Take the lock if it is free; returns the lock that is now in force, ours or another's."""
        ...

    async def release_lock(self, stack: Stack) -> None: ...
    async def set_remote_id(self, repo: str, key: str, remote_id: int, *, node_id: str | None = None) -> None:
        """Remember what GitHub calls something we created; the newest counts."""
        ...

    async def add_state_version(self, version: StateVersion) -> None: ...
    async def add_artifact(self, artifact: Artifact) -> None: ...
    async def record_policy(self, repo: str, digest: str, text: str, commit: Sha, at: datetime) -> None:
        """Record a version of the policy once per repository and digest."""
        ...


class Records(Protocol):
    """The bot's database."""

    def read(self) -> AbstractAsyncContextManager[Reader]: ...
    def write(self) -> AbstractAsyncContextManager[Writer]: ...
    async def check(self) -> None:
        """Prove that the database answers and that its schema is not older than the code; raises GatewrightError."""
        ...
