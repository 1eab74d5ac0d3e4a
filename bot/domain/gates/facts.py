"""What the gates judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.approvals import Verdict
from bot.domain.holds import Hold
from bot.domain.model import EnvName, PullRequest, Run, Sha, Stack, StateIdentity
from bot.domain.outcome import Outcome
from bot.domain.plan import Lock, PlanRecord, RiskLevel
from bot.domain.release import Release, Verification
from bot.domain.state_operations import command_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """What the plan would have been made of, had it been made on the base's tip."""

    base: Sha
    """The tip."""
    inputs_digest: str | None
    """None where the pull request does not merge into it."""
    var_file_digest: str | None


MISSING = "missing"
"""Required, and nobody has reported it."""
ONLY_BY_OTHERS = "only_by_others"
"""Required of one App, and reported by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCheck:
    """A check run or a commit status of the head that is not ours."""

    name: str
    outcome: Outcome
    """INCONCLUSIVE while it has not ended, or where it was never reported."""
    state: str
    """In GitHub's words: `success`, `failure`, `in_progress` …, or `MISSING` or `ONLY_BY_OTHERS`."""

    @property
    def absent(self) -> bool:
        """Whether it is required, and whoever must report it has not."""
        return self.state in {MISSING, ONLY_BY_OTHERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """How much a plan may hurt; `apply.risk` of the policy."""

    max_level: RiskLevel
    allow_stateful_destroy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What is known in the environment that a release must have passed."""

    source: EnvName
    smoke_command: str
    """Verifies what is there."""
    plan_command: str
    release: Release | None
    """The newest one there with the plan's inputs and what was fetched for it."""
    newest: Release | None
    """The newest one there at all."""
    verification: Verification | None
    """The newest one of a release with the plan's inputs."""
    verified_since: datetime | None
    """Since when it holds without a break."""
    state: StateIdentity
    """Of the environment now."""
    soak: timedelta
    fetched_otherwise: Release | None = None
    """The newest one there with the plan's inputs, where none was made with the same modules and providers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the gates judge, read just before they do."""

    plan: PlanRecord
    pull: PullRequest
    now: datetime
    state: StateIdentity
    engine: str
    """`terraform 1.11.4`, as the policy in force names it."""
    lock: Lock | None
    actor_may_apply: bool
    needed_permission: str | None
    """In words, for the sentence; None where the policy lets nobody apply."""
    policy_digest: str
    """Of the policy in force."""
    stack: Stack | None
    """As the policy in force has it; None where it has no such stack any more."""
    copied_by: Run | None = None
    """The run that replaces the data of the environment just now; only looked for when an apply is about to start."""
    closed_reason: str | None = None
    """Why the policy's calendar (hold windows, freezes) closes the environment now."""
    holds: Sequence[Hold] = ()
    """Those in force on the environment that keep this plan back."""
    passed_holds: Sequence[Hold] = ()
    """Those in force that this very plan may pass, and whose end its apply is."""
    is_base_served: bool = True
    """Whether the policy in force serves pull requests into this base."""
    required_gates: Sequence[str] = ()
    """Further gates that the environment's policy names; what only these judge is gathered only for them."""
    approvals: Verdict | None = None
    """What the code owners say."""
    applied_by: Run | None = None
    """The run that has applied the plan, where one has."""
    divergence: Divergence | None = None
    """None where the plan was made on the base's very tip, or where nobody could look."""
    checks: Sequence[OtherCheck] | None = None
    risk: RiskLimits | None = None
    promotion: Promotion | None = None
    answers_for_it: bool = False
    """Whether who asks is a code owner or on call; only asked for a revert, where their `/apply` is the approval."""
    drift: Sequence[str] | None = None
    """Addresses with changes from outside that nobody has explained; None where nobody watches."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Gate -> why its facts could not be read."""

    @property
    def plan_command(self) -> str:
        """The command that makes this plan anew."""
        stack, to = self.plan.stack, self.plan.reverts_to
        if self.plan.operation is not None:
            return command_of(self.plan.operation, stack)
        project = "" if stack.project == "default" else f" -p {stack.project}"
        return f"/plan {stack.env}{project}" if to is None else f"/revert {stack.env} to {to}{project}"
