"""The facts that the gates judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.core.model import EnvName, PullRequest, Run, Sha, Stack, StateIdentity
from bot.domain.core.outcome import Outcome
from bot.domain.gates.approvals import Verdict
from bot.domain.gates.freezes import Hold
from bot.domain.plans.plan import Lock, PlanRecord, RiskLevel
from bot.domain.releases.release import Release, Verification
from bot.domain.state.operations import command_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The inputs of a plan on the tip of the base."""

    base: Sha
    """The tip."""
    inputs_digest: str | None
    """None where the pull request does not merge into it."""
    var_file_digest: str | None


MISSING = "missing"
"""Required, and not reported."""
ONLY_BY_OTHERS = "only_by_others"
"""Required of one App, and reported only by others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCheck:
    """A check run or a commit status of the head that is not ours."""

    name: str
    outcome: Outcome
    """INCONCLUSIVE while it has not ended, or where it was never reported."""
    state: str
    """As GitHub calls it (`success`, `in_progress` …), or `MISSING` or `ONLY_BY_OTHERS`."""

    @property
    def absent(self) -> bool:
        """Whether it is required, and was not reported by the App that must."""
        return self.state in {MISSING, ONLY_BY_OTHERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """The risk that is allowed; `apply.risk` of the policy."""

    max_level: RiskLevel
    allow_stateful_destroy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Facts about the environment that a release must have passed before."""

    source: EnvName
    smoke_command: str
    """The command that verifies the release there."""
    plan_command: str
    release: Release | None
    """The newest release there with the plan's inputs and fetched code."""
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
    """The newest release there with the plan's inputs but other modules or providers.

    Only if `release` is None.
    """


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
    """In words, for the sentence; None where the policy allows no apply."""
    policy_digest: str
    """Of the policy in force."""
    stack: Stack | None
    """As the policy in force has it; None where it has no such stack any more."""
    is_reviewed_merge: bool = False
    """Whether a merge applies exactly what was reviewed: then any account may have merged."""
    copied_by: Run | None = None
    """The run that is replacing the environment's data; only read just before an apply."""
    closed_reason: str | None = None
    """Why the policy's calendar (hold windows, freezes) closes the environment now."""
    holds: Sequence[Hold] = ()
    """Those in force on the environment that keep this plan back."""
    passed_holds: Sequence[Hold] = ()
    """Those in force that this very plan may pass, and whose end its apply is."""
    is_base_served: bool = True
    """Whether the policy in force serves pull requests into this base."""
    required_gates: Sequence[str] = ()
    """Further gates that the environment's policy names."""
    approvals: Verdict | None = None
    """The result of the code owners' reviews."""
    applied_by: Run | None = None
    """The run that has applied the plan, where one has."""
    divergence: Divergence | None = None
    """None where it was not read."""
    checks: Sequence[OtherCheck] | None = None
    risk: RiskLimits | None = None
    promotion: Promotion | None = None
    answers_for_it: bool = False
    """Whether the requester is a code owner or on call; only read for a revert."""
    drift: Sequence[str] | None = None
    """Addresses with drift that the plan does not show; None before the first drift check."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Gate -> why its facts could not be read."""

    @property
    def plan_command(self) -> str:
        """The command that re-plans."""
        stack, to = self.plan.stack, self.plan.reverts_to
        if self.plan.operation is not None:
            return command_of(self.plan.operation, stack)
        project = "" if stack.project == "default" else f" -p {stack.project}"
        return f"/plan {stack.env}{project}" if to is None else f"/revert {stack.env} to {to}{project}"
