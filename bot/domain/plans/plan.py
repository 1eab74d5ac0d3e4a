"""Plans as values; `bot.domain.plans.plan_json` builds them from Terraform's JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanId, PlanLane, PlanStatus, RunId, Sha, Stack, StateOperation
from bot.domain.plans.fetched import is_current


class Action(StrEnum):
    """What happens to one resource, in the order in which it is shown."""

    DESTROY = "destroy"
    REPLACE = "replace"
    FORGET = "forget"
    CHANGE = "change"
    ADD = "add"
    IMPORT = "import"
    MOVE = "move"


class RiskLevel(StrEnum):
    """How risky a change is, in rising order."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChange:
    """A planned change of one resource."""

    address: str
    type: str
    action: Action
    previous_address: str | None = None
    importing: bool = False
    replace_paths: tuple[str, ...] = ()
    """Attributes that force the replacement, as dotted paths."""
    reason: str | None = None
    """Terraform's `action_reason` as text."""
    risk: RiskLevel = RiskLevel.LOW
    diff: str = ""
    """Terraform's own rendering of this resource, masked and redacted; empty if it was not found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """An output whose value changes; values are never included."""

    name: str
    action: Action
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Number of resources per action; a replacement counts only as a replacement."""

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
    """Addresses of resources that hold data and are destroyed or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """The plan data that approvals, gates and comments use; contains no secret."""

    terraform_version: str
    counts: Counts
    resources: tuple[ResourceChange, ...]
    outputs: tuple[OutputChange, ...]
    drift: tuple[ResourceChange, ...]
    """Changes made outside Terraform that the refresh detected."""
    warnings: tuple[str, ...]
    failed_checks: tuple[str, ...]
    risk: Risk
    change_digest: str
    """SHA-256 of the canonical changes and arguments; equal for two plans with the same effect."""
    has_changes: bool
    """Whether applying would change a resource or an output."""
    text: str
    """The whole human-readable plan, redacted."""
    added_files: tuple[str, ...] = ()
    """Files that code wrote during the plan; the apply of this plan gets them."""
    moving_sources: tuple[str, ...] = ()
    """Modules and providers that nothing pins, as text."""


def lane_of(reverts_to: PlanId | None, operation: StateOperation | None) -> PlanLane:
    """Return the lane of a plan: code, revert or state operation."""
    if operation is not None:
        return PlanLane.STATE
    return PlanLane.CODE if reverts_to is None else PlanLane.REVERT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A stored plan: its change, the commit and state it was made for, and where its files are."""

    id: PlanId
    run_id: RunId
    stack: Stack
    pull: int | None
    head_sha: Sha
    base_sha: Sha
    merge_tree: str
    """Git tree id of the merge of head into base; this tree was planned."""
    inputs_digest: str
    """The stack inputs digest, without the var file."""
    var_file_digest: str | None
    change_digest: str
    plan_sha256: str
    """Of the plaintext plan file, hexadecimal."""
    engine: str
    """For example `terraform 1.11.4`."""
    arguments: tuple[str, ...]
    state_serial: int | None
    state_lineage: str | None
    policy_digest: str
    slot: str
    """Name of the directory in which it was planned and must be applied."""
    bundle_key: str
    """Object key of the encrypted plan file and working directory."""
    log_key: str | None
    has_changes: bool
    status: PlanStatus
    status_reason: str | None
    summary: PlanSummary
    created_by: Account
    created_at: datetime
    posted_at: datetime | None
    """When its comment was posted; only commands written later can refer to it."""
    expires_at: datetime
    reverts_to: PlanId | None = None
    """The release that it reverts to; None for a plan of the pull request's own code."""
    operation: StateOperation | None = None
    """The state operation that it carries out, if any."""
    fetched_digest: str | None = None
    """Modules and providers that it was made with; None if recorded by an older version."""
    head_number: int | None = None
    """Number of the pull request's head that was planned; None without a head or if recorded by an older
    version."""

    @property
    def lane(self) -> PlanLane:
        """Return the lane of the plan."""
        return lane_of(self.reverts_to, self.operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A stack locked by a pull request."""

    stack: Stack
    pull: int
    holder: Account
    run_id: RunId
    since: datetime
    reason: str


def last_reviewed(plans: Iterable[PlanRecord]) -> PlanRecord | None:
    """Return the plan that reviewers saw when they merged; `plans` are newest first.

    `plans` belong to one stack on one pull request. Dropped plans and plans of reverts are left out: nobody
    reviewed the former as the change, and the latter do the opposite.
    """
    newest = next(
        (plan for plan in plans if plan.operation is None and plan.status is not PlanStatus.CANCELED), None
    )
    return newest if newest is not None and newest.lane is PlanLane.CODE else None


def does_what_was_reviewed(plan: PlanRecord, reviewed: PlanRecord) -> bool:
    """Whether a plan of the base's tip has the code, values and changes of the reviewed one.

    Effects of provisioners and external programs are not part of a plan, so code, modules and providers must
    be equal as well.
    """
    return is_current(plan.fetched_digest) and _made_of(plan) == _made_of(reviewed)


def _made_of(plan: PlanRecord) -> tuple[str | None, ...]:
    return (plan.change_digest, plan.inputs_digest, plan.var_file_digest, plan.fetched_digest)
