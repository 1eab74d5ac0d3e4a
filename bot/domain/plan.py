"""What a plan would do, as values; `bot.domain.plan_json` builds them from Terraform's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.fetched import is_current
from bot.domain.model import Login, PlanId, PlanLane, PlanStatus, RunId, Sha, Stack, StateOperation


class Action(StrEnum):
    """What happens to one resource; the order is the order in which people must see them."""

    DESTROY = "destroy"
    REPLACE = "replace"
    FORGET = "forget"
    CHANGE = "change"
    ADD = "add"
    IMPORT = "import"
    MOVE = "move"


class RiskLevel(StrEnum):
    """How much a change can hurt, in rising order."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """One row of the plan."""

    address: str
    type: str
    action: Action
    previous_address: str | None = None
    importing: bool = False
    replace_paths: tuple[str, ...] = ()
    """Attributes that force the replacement, dotted."""
    reason: str | None = None
    """Terraform's `action_reason` in words."""
    risk: RiskLevel = RiskLevel.LOW
    diff: str = ""
    """Terraform's own rendering of this resource, masked and redacted; empty when it could not be cut out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """One output whose value changes; values themselves are never carried."""

    name: str
    action: Action
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Number of resources per action; a replacement counts as a replacement only."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    replace: int = 0
    import_: int = 0
    move: int = 0
    forget: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What a plan destroys, replaces or exposes."""

    level: RiskLevel
    score: int
    reasons: tuple[str, ...] = ()
    destroys: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    exposes: tuple[str, ...] = ()
    stateful: tuple[str, ...] = ()
    """Addresses that hold data and are destroyed or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """Everything that approvals, gates and comments need to know of a plan; holds no secret."""

    terraform_version: str
    counts: Counts
    resources: tuple[ResourceChange, ...]
    outputs: tuple[OutputChange, ...]
    drift: tuple[ResourceChange, ...]
    """Changes made outside Terraform that the refresh found."""
    warnings: tuple[str, ...]
    failed_checks: tuple[str, ...]
    risk: Risk
    change_digest: str
    """SHA-256 of the canonical changes and arguments; equal for two plans that do the same."""
    has_changes: bool
    """Whether applying would change a resource or an output."""
    text: str
    """The whole human-readable plan, redacted."""
    added_files: tuple[str, ...] = ()
    """Files that code has written while it was planned; the apply of this very plan gets them."""
    moving_sources: tuple[str, ...] = ()
    """Modules and providers that nothing pins, in words."""


def lane_of(reverts_to: PlanId | None, operation: StateOperation | None) -> PlanLane:
    """Return what a plan is of that goes back to a release, carries out an operation, or neither."""
    if operation is not None:
        return PlanLane.STATE
    return PlanLane.CODE if reverts_to is None else PlanLane.REVERT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A stored plan: what was planned, for which commit and state, and where its files are."""

    id: PlanId
    run_id: RunId
    stack: Stack
    pull: int | None
    head_sha: Sha
    base_sha: Sha
    merge_tree: str
    """Git tree id of the merge of head into base, which is what was planned."""
    inputs_digest: str
    """The stack inputs digest, without the var file."""
    var_file_digest: str | None
    change_digest: str
    plan_sha256: str
    """Of the plaintext plan file, hexadecimal."""
    engine: str
    """`terraform 1.11.4`."""
    arguments: tuple[str, ...]
    state_serial: int | None
    state_lineage: str | None
    policy_digest: str
    slot: str
    """The directory name at which it was planned and must be applied."""
    bundle_key: str
    """Object key of the encrypted plan file and working directory."""
    log_key: str | None
    has_changes: bool
    status: PlanStatus
    status_reason: str | None
    summary: PlanSummary
    created_by: Login
    created_at: datetime
    posted_at: datetime | None
    """When its comment was on the pull request; only commands written later can mean it."""
    expires_at: datetime
    reverts_to: PlanId | None = None
    """The release that it goes back to; None for a plan of the pull request's own code."""
    operation: StateOperation | None = None
    """The one thing that it does, for the plan of a state operation."""
    fetched_digest: str | None = None
    """Of the modules and providers that it was made with; None where an older version has recorded it."""

    @property
    def lane(self) -> PlanLane:
        """Return what it is a plan of."""
        return lane_of(self.reverts_to, self.operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A stack held by a pull request."""

    stack: Stack
    pull: int
    holder: Login
    run_id: RunId
    since: datetime
    reason: str


def last_reviewed(plans: Iterable[PlanRecord]) -> PlanRecord | None:
    """Return the plan that people had before them when they merged; `plans` are a stack's of one pull request, newest first.

    Nobody looks at a plan that was dropped, and who plans the way back has not asked for the way forward.
    """
    newest = next(
        (plan for plan in plans if plan.operation is None and plan.status is not PlanStatus.CANCELED), None
    )
    return newest if newest is not None and newest.lane is PlanLane.CODE else None


def does_what_was_reviewed(plan: PlanRecord, reviewed: PlanRecord) -> bool:
    """Whether a plan of the base's tip is of the same code and values as the reviewed one, and does the same.

    What a provisioner or an external program would do shows in no plan, so the code itself counts as well, and so do
    the modules and providers that were fetched.
    """
    return is_current(plan.fetched_digest) and _made_of(plan) == _made_of(reviewed)


def _made_of(plan: PlanRecord) -> tuple[str | None, ...]:
    return (plan.change_digest, plan.inputs_digest, plan.var_file_digest, plan.fetched_digest)
