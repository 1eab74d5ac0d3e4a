"""Documented commands that this version does not have yet."""

from __future__ import annotations

from bot.domain.commands.spec import Problem
from bot.domain.core.refusals import Reason

NOT_YET = frozenset({"closeout", "drill", "handover", "incident"})
"""Commands of later versions."""


def not_available(word: str) -> Problem | None:
    """Return the problem of a documented command that this version lacks, else None."""
    name = word.lower()
    if name not in NOT_YET:
        return None
    return Problem(
        reason=Reason.NOT_AVAILABLE,
        sentence=f"`/{name}` is not available in this version of Gatewright.",
        next_command="/help",
    )
