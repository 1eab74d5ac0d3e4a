"""The bot's database, read and written in transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import (
    DeliveryId,
    FailureClass,
    PlanId,
    PlanStatus,
    Run,
    RunId,
    RunKind,
    RunStatus,
    Sha,
    Stack,
    StateKey,
)
from bot.domain.plans.plan import Lock, PlanRecord
from bot.ports.pushers import PusherReader, PusherWriter
from bot.ports.records.check_runs import CheckRunReader, CheckRunWriter
from bot.ports.records.coordination import CoordinationReader, CoordinationWriter
from bot.ports.records.environment_queue import EnvironmentQueueReader, EnvironmentQueueWriter
from bot.ports.records.errored_states import ErroredStateReader, ErroredStateWriter
from bot.ports.records.forks import ForkReader, ForkWriter
from bot.ports.records.live_log import LogChunkReader, LogChunkWriter
from bot.ports.records.measures import MeasureReader
from bot.ports.records.outlines import OutlineReader
from bot.ports.records.parity import ParityReader, ParityWriter
from bot.ports.records.policies import PolicyReader
from bot.ports.records.pull_heads import PullHeadReader, PullHeadWriter
from bot.ports.records.reconciliation import ReconciliationReader
from bot.ports.records.releases import ReleaseReader, ReleaseWriter
from bot.ports.records.repositories import RepositoryReader, RepositoryWriter
from bot.ports.records.restores import RestoreReader, RestoreWriter
from bot.ports.records.reverts import RevertReader, RevertWriter
from bot.ports.records.run_audit import RunAuditReader, RunAuditWriter
from bot.ports.records.run_list import RunListReader
from bot.ports.records.upkeep import UpkeepReader, UpkeepWriter
from bot.ports.records.values import Artifact, Delivery, Job, NewRun, Remote, StateVersion, TimelineEntry


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
    MeasureReader,
    ReconciliationReader,
    OutlineReader,
    ErroredStateReader,
    RestoreReader,
    PusherReader,
    PullHeadReader,
    CheckRunReader,
    ParityReader,
    PolicyReader,
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
        """Return the record of an object that we created on GitHub."""
        ...

    async def last_applied(self, state_key: StateKey) -> StateVersion | None:
        """Return the snapshot after the last successful change of Terraform, destroys left out."""
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
    ErroredStateWriter,
    RestoreWriter,
    PusherWriter,
    PullHeadWriter,
    CheckRunWriter,
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
        """Whether this delivery handles the comment; True again for the same delivery."""
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
        actor: Account,
        why: str,
        failure_class: FailureClass | None = None,
        plan_id: PlanId | None = None,
    ) -> bool:
        """Record a transition and its timeline row; False when `lifecycle.may_move` forbids it."""
        ...

    async def set_result(self, id: RunId, *, summary: str, detail: Mapping[str, Any]) -> bool:
        """Record the result for the report, before the move to a terminal status.

        False if the run has ended: another worker has recorded its end, and no other result of this one may
        be recorded.
        """
        ...

    async def request_cancel(self, id: RunId, by: Account) -> None: ...
    async def record_intent(self, id: RunId, at: datetime) -> None:
        """Note that a change is about to start.

        TakenOverError when that, or the run's end, is recorded already.
        """
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
        """Prove that the database answers and that its schema is not older than the code.

        Raises GatewrightError.
        """
        ...
