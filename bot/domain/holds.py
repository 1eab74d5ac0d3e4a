"""Holds: somebody has stopped changes of an environment, of a repository or of everything, and said why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.model import EnvName, Login, RunId


class HoldCause(StrEnum):
    """What made a hold; it tells who may lift it."""

    COMMAND = "command"
    """`/hold ENV REASON`."""
    REVERT = "revert"
    """A revert, so that nothing rolls forward what was taken back."""
    RESTORE = "restore"
    """A restored state: what Terraform believes must be compared with the world before anything rolls on."""
    STOP = "stop"
    """The operator's `gatewright stop REASON`: everything that this server does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold as somebody set it; while it is in force nothing is applied where it reaches."""

    repo: str | None
    """`owner/name`; None for every repository."""
    env: EnvName | None
    """None for every environment."""
    cause: HoldCause
    reason: str
    """In the words of who set it; never to be rendered as they are."""
    by: Login
    since: datetime
    pull: int | None = None
    """The pull request on which it was set."""
    run_id: RunId | None = None
    """The revert or restore that set it."""
    number: int = 0
    """Given by the store; 0 before."""

    def reaches(self, repo: str, env: EnvName) -> bool:
        """Whether it stops changes of this environment."""
        return self.repo in {None, repo} and self.env in {None, env}

    @property
    def command_to_lift(self) -> str:
        """The comment, or the operator's command, that lifts it."""
        return "gatewright go" if self.cause is HoldCause.STOP else f"/unhold {self.env}"


def reaching(holds: Iterable[Hold], repo: str, env: EnvName) -> tuple[Hold, ...]:
    """Return those holds that stop changes of an environment, in their order."""
    return tuple(hold for hold in holds if hold.reaches(repo, env))
