"""Overrides: two owners open one gate of one pull request once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, ProjectName, RunId
from bot.domain.core.outcome import Outcome
from bot.domain.gates.environment import HOLD
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.gate import GateResult
from bot.domain.gates.table import names, overridable
from bot.domain.plans.plan import PlanRecord

NEVER: Final = frozenset(names()) - frozenset(overridable())
"""Gates that no override opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A request to open a gate; it counts from its confirmation until used or expired."""

    repo: str
    pull: int
    project: ProjectName
    env: EnvName
    gate: str
    reason: str
    """As typed, so it must be escaped in comments and pages."""
    asked_by: Account
    asked_at: datetime
    expires_at: datetime
    confirmed_by: Account | None = None
    confirmed_at: datetime | None = None
    used_run: RunId | None = None
    """The apply that used it."""
    number: int = 0
    """Given by the store; 0 before."""

    def opens_for(self, plan: PlanRecord, now: datetime) -> bool:
        """Whether it opens its gate for a plan at `now`."""
        # Only for a plan that existed when it was requested: its owners had read that one.
        return (
            self.confirmed_at is not None
            and self.is_of_two
            and plan.created_at <= self.asked_at
            and (plan.stack.repo, plan.pull) == (self.repo, self.pull)
            and (plan.stack.project, plan.stack.env) == (self.project, self.env)
            and self.used_run is None
            and now < self.expires_at
        )

    @property
    def is_of_two(self) -> bool:
        """Whether two owners confirmed it; one who renames in between is one."""
        return self.confirmed_by is not None and self.asked_by.is_certainly_another(self.confirmed_by)

    def waits(self, now: datetime) -> bool:
        """Whether a second owner can confirm it at `now`; the first must be known for certain."""
        return self.confirmed_by is None and self.asked_by.id is not None and now < self.expires_at


def overridden(result: GateResult, valid: Sequence[Override], *, holds: Sequence[Hold] = ()) -> GateResult:
    """Return the result, open where an override of `valid` opens its gate.

    `holds` are those that block the plan.
    """
    if result.outcome is Outcome.PASS or result.gate in NEVER:
        return result
    found = next((one for one in valid if one.gate == result.gate and _covers(one, holds)), None)
    if found is None:
        return result
    sentence = f"Opened once by {found.asked_by} and {found.confirmed_by}: {found.reason.rstrip('. ')}."
    return GateResult(gate=result.gate, outcome=Outcome.PASS, sentence=sentence)


def _covers(override: Override, holds: Sequence[Hold]) -> bool:
    """Whether the two owners could see everything that the override would open."""
    if override.gate != HOLD.name:
        return True
    # A hold that was set after they agreed is not what they agreed to, and only the operator lifts a stop.
    at = override.confirmed_at
    return at is not None and all(hold.cause is not HoldCause.STOP and hold.since <= at for hold in holds)
