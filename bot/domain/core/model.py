"""The values that the whole program uses: repositories, pull requests, stacks and runs.

Everything here is frozen and is built at an edge (webhook, database row, policy file); nothing does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from bot.domain.core.accounts import Account, Login

__all__ = [
    "DeliveryId",
    "EnvName",
    "FailureClass",
    "Login",
    "OperationKind",
    "Permission",
    "PlanId",
    "PlanLane",
    "PlanStatus",
    "ProjectName",
    "PullRequest",
    "Repo",
    "Run",
    "RunId",
    "RunKind",
    "RunStatus",
    "Sha",
    "Stack",
    "StateIdentity",
    "StateKey",
    "StateOperation",
]

Sha = NewType("Sha", str)
"""A full 40-character git commit id, lower case."""
EnvName = NewType("EnvName", str)
ProjectName = NewType("ProjectName", str)
StateKey = NewType("StateKey", str)
"""The object key of one Terraform state inside the state bucket, placeholders resolved."""
RunId = NewType("RunId", str)
"""Sixteen characters, sortable by creation; shown in comments, logs and URLs."""
PlanId = NewType("PlanId", str)
"""`p` and seven base32 characters; what people type after `/apply ENV`."""
DeliveryId = NewType("DeliveryId", str)
"""GitHub's GUID of one webhook delivery; a redelivery keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository on which the App is installed."""

    owner: str
    name: str
    installation_id: int
    default_branch: str = "main"

    @property
    def full_name(self) -> str:
        """`owner/name`, as GitHub writes it."""
        return f"{self.owner}/{self.name}"


class Permission(StrEnum):
    """A user's right on a repository, as GitHub's `role_name`; custom roles map to their base."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    @property
    def people(self) -> str:
        """Who may use a command that needs nothing but this right, in words."""
        return (
            "people who can read the repository" if self is Permission.READ else f"people with {self} access"
        )

    def allows(self, needed: Permission) -> bool:
        """Whether this right includes `needed`."""
        order = list(Permission)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as read from GitHub at one moment; `head_sha` is what every run binds to."""

    number: int
    title: str
    author: Account
    state: str
    """`open` or `closed`."""
    merged: bool
    draft: bool
    head_sha: Sha
    head_ref: str
    head_repo: str | None
    """`owner/name` of the head; None when the fork was deleted."""
    base_ref: str
    base_sha: Sha
    is_fork: bool
    merge_commit: Sha | None = None
    merged_at: datetime | None = None
    head_number: int | None = None
    """The number of its recorded head; None where that was not read."""
    merged_by: Account | None = None
    """The account that merged it, often a bot; None in lists and for deleted accounts."""

    @property
    def is_open(self) -> bool:
        """Whether it accepts commands that change infrastructure."""
        return self.state == "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A project in an environment: one state key, planned and applied as a unit."""

    repo: str
    """`owner/name`."""
    project: ProjectName
    env: EnvName
    state_key: StateKey
    directory: str
    """The root module, relative to the repository, without slashes around; `.` for the root."""
    var_file: str | None

    @property
    def label(self) -> str:
        """The environment, with the project where it is not the default one."""
        return self.env if self.project == "default" else f"{self.env} ({self.project})"


class RunKind(StrEnum):
    """What a run does; `bot.domain.core.run_kinds` says what is true of each kind."""

    PLAN = "plan"
    APPLY = "apply"
    DESTROY = "destroy"
    REVERT = "revert"
    SYNC = "sync"
    DRIFT = "drift"
    VERIFY = "verify"
    DRILL = "drill"
    """Reserved for `/drill`, a rehearsed revert; this version ends such a run as failed."""
    DATA_REFRESH = "data_refresh"
    """A command of the policy copies data from another environment; no state is changed."""
    RESTORE = "restore"
    """An older version of the state is restored; break-glass."""
    UNKNOWN = "unknown"
    """A kind that only another version of Gatewright has; it is never recorded, and never run."""


class RunStatus(StrEnum):
    """Where a run is in its life; `bot.domain.core.run_lifecycle` holds the allowed moves."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"


class FailureClass(StrEnum):
    """What a failed run failed of, which says who must act."""

    TIMEOUT = "TIMEOUT"
    CANCELED = "CANCELED"
    EXECUTOR = "EXECUTOR"
    TERRAFORM = "TERRAFORM"
    POLICY = "POLICY"
    CONFIG = "CONFIG"
    GITHUB = "GITHUB"
    STATE = "STATE"


class PlanStatus(StrEnum):
    """The state of a posted plan, as its comment header shows it."""

    PLANNED = "planned"
    NO_CHANGES = "no_changes"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    STALE = "stale"
    CANCELED = "canceled"


class OperationKind(StrEnum):
    """What a state operation does; the value is how it is recorded."""

    IMPORT = "import"
    """Adds an existing object to the state."""
    FORGET = "forget"
    """Removes an object from the state, and destroys nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOperation:
    """One `/import` or `/state rm`; `bot.domain.state.operations` says what follows from it."""

    kind: OperationKind
    address: str
    """Checked by `bot.domain.commands.terraform_arguments`, so it needs no quoting in HCL."""
    object_id: str | None = None
    """The provider's id of the object to import."""


class PlanLane(StrEnum):
    """What a plan is of; each lane of a stack has its own newest plan and comment."""

    CODE = "code"
    """The pull request's own code."""
    REVERT = "revert"
    STATE = "state"
    """A state operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution on one stack, as recorded."""

    id: RunId
    kind: RunKind
    status: RunStatus
    stack: Stack
    installation_id: int
    pull: int | None
    head_sha: Sha | None
    base_sha: Sha | None
    actor: Account
    comment_id: int | None
    """The comment that requested it; None for automatic runs."""
    plan_id: PlanId | None
    """The plan made (plan runs) or applied (apply runs)."""
    arguments: tuple[str, ...]
    """Allowed extra Terraform arguments, as typed after `--`."""
    policy_digest: str | None
    correlation_id: str
    """Shared by everything that one delivery caused."""
    failure_class: FailureClass | None
    summary: str | None
    """One line on how it ended, safe to post."""
    detail: Mapping[str, Any]
    """What the report needs beyond the summary (JSON, redacted); empty until the end."""
    cancel_requested_by: Account | None
    intent_at: datetime | None
    """When an apply announced that it was about to start Terraform; never cleared."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    operation: StateOperation | None = None
    """What is planned or applied, where it is not code."""
    head_number: int | None = None
    """The number of its head; None in rows of older versions and for runs without a head."""
    has_risk_summary: bool = False
    """Whether the risk of the plan that it made or applies is recorded."""

    @property
    def release_candidate_id(self) -> Sha | None:
        """The commit that it runs."""
        return self.head_sha or self.base_sha


@dataclass(frozen=True, slots=True, kw_only=True)
class StateIdentity:
    """Serial, lineage and digest of a state object; all `None` where no state exists yet."""

    serial: int | None
    lineage: str | None
    sha256: str | None
    """Of the bytes of the object, hexadecimal."""
