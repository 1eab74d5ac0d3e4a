"""The audit log and the queue of a stack's lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.core.accounts import Account
from bot.domain.core.model import PlanId, Stack


class LockAct(StrEnum):
    """The change of a lock by a person or the bot."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEvent:
    """One row of the locks' audit log; rows are never changed."""

    stack: Stack
    pull: int
    """The pull request that held or holds the stack."""
    act: LockAct
    actor: Account
    why: str
    at: datetime
    cause: str | None = None
    """The delivery that caused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A plan that became stale together with others."""

    plan: PlanId
    stack: Stack
    pull: int


class WaitReason(StrEnum):
    """Why a pull request waits for a stack; refused applies come first."""

    REFUSED = "refused"
    """Its apply was refused, because another pull request holds the stack."""
    REVERT = "revert"
    """It was pushed to while a revert of the stack was planned, possibly its own."""
    STALE = "stale"
    """Another pull request's apply made its plan stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A pull request that is notified and re-planned when a stack becomes free."""

    stack: Stack
    pull: int
    reason: WaitReason
    since: datetime
    number: int = 0
    """Assigned by the database; 0 before."""
