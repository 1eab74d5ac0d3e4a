"""Overrides: two owners open one gate of one pull request once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.model import EnvName, Login, ProjectName, RunId
from bot.domain.plan import PlanRecord

NEVER: Final = frozenset({"config", "head", "plan_fresh", "state", "engine", "permission", "lock"})
"""Gates that nobody can open by asking: they protect the promise that what was reviewed is what is applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A gate that is to be opened; it counts from the confirmation until it is used or has expired."""

    repo: str
    pull: int
    project: ProjectName
    env: EnvName
    gate: str
    reason: str
    """In the words of who asked; never to be rendered as they are."""
    asked_by: Login
    asked_at: datetime
    expires_at: datetime
    confirmed_by: Login | None = None
    confirmed_at: datetime | None = None
    used_run: RunId | None = None
    """The apply that it let through."""
    number: int = 0
    """Given by the store; 0 before."""

    def opens_for(self, plan: PlanRecord, now: datetime) -> bool:
        """Whether it opens its gate for a plan at `now`: only for one that was there when it was asked for."""
        return (
            self.confirmed_at is not None
            and plan.created_at <= self.asked_at
            and (plan.stack.repo, plan.pull) == (self.repo, self.pull)
            and (plan.stack.project, plan.stack.env) == (self.project, self.env)
            and self.used_run is None
            and now < self.expires_at
        )

    def waits(self, now: datetime) -> bool:
        """Whether a second owner can confirm it at `now`."""
        return self.confirmed_by is None and now < self.expires_at
