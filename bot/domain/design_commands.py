"""The commands that Gatewright's documentation promises; some of them are in later versions only."""

from __future__ import annotations

from bot.domain.command_spec import Problem
from bot.domain.refusals import Reason

PROMISED = frozenset(
    """
    plan apply revert destroy unlock cancel rerun status gates override hold unhold allow smoke drift import
    state drill closeout parity incident handover help
    """.split()  # noqa: SIM905 - a paragraph of names reads better than a list
)
"""First words of the commands."""


def not_available(word: str) -> Problem | None:
    """Return what is said to a promised command that this version does not have; None for any other word."""
    name = word.lower()
    if name not in PROMISED:
        return None
    return Problem(
        reason=Reason.NOT_AVAILABLE,
        sentence=f"`/{name}` is not available in this version of Gatewright.",
        next_command="/help",
    )
