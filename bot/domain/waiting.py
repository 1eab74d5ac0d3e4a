"""What happens around the lock of a stack: who took and gave it, and who waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.model import Login, PlanId, Stack


class LockAct(StrEnum):
    """What somebody did with a lock."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEvent:
    """One row of the audit of locks; rows are never changed."""

    stack: Stack
    pull: int
    """The pull request that held or holds the stack."""
    act: LockAct
    actor: Login
    why: str
    at: datetime
    cause: str | None = None
    """The delivery that brought it about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """A plan that was made stale together with others."""

    plan: PlanId
    stack: Stack
    pull: int


class WaitReason(StrEnum):
    """Why a pull request waits for a stack; who was refused goes first."""

    REFUSED = "refused"
    """Its apply was refused, because another pull request holds the stack."""
    REVERT = "revert"
    """It was pushed to while a revert of the stack was planned, which may be this pull request's own."""
    STALE = "stale"
    """Another pull request's apply made its plan stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A pull request that is told, and planned again, when a stack is free."""

    stack: Stack
    pull: int
    reason: WaitReason
    since: datetime
    number: int = 0
    """Given by the store; 0 before."""
