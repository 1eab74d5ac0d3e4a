"""Freezes that people, reverts and operators set; records call them holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, RunId


class HoldCause(StrEnum):
    """What set a freeze; it decides who may lift it."""

    COMMAND = "command"
    """`/hold ENV REASON`."""
    REVERT = "revert"
    """A revert, so that the undone change is not applied again."""
    RESTORE = "restore"
    """A restored state, which must be compared with the real objects before other changes."""
    STOP = "stop"
    """The operator's `gatewright stop REASON`: everything that this server does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A freeze: while it is in force, nothing is applied where it reaches."""

    repo: str | None
    """`owner/name`; None for every repository."""
    env: EnvName | None
    """None for every environment."""
    cause: HoldCause
    reason: str
    """As typed, so it must be escaped in comments and pages."""
    by: Account
    since: datetime
    pull: int | None = None
    """The pull request on which it was set."""
    run_id: RunId | None = None
    """The revert or restore that set it."""
    number: int = 0
    """Given by the store; 0 before."""

    def reaches(self, repo: str, env: EnvName) -> bool:
        """Whether it freezes this environment."""
        return self.repo in {None, repo} and self.env in {None, env}

    @property
    def command_to_lift(self) -> str:
        """The comment, or the operator's command, that lifts it."""
        return "gatewright go" if self.cause is HoldCause.STOP else f"/unhold {self.env}"


def reaching(holds: Iterable[Hold], repo: str, env: EnvName) -> tuple[Hold, ...]:
    """Return the freezes of an environment, in their order."""
    return tuple(hold for hold in holds if hold.reaches(repo, env))
