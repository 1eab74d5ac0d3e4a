"""Short answers to commands that start no run."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.escape import code, text
from bot.comments.header import header
from bot.domain.model import Login

_MOST = 20


def canceled_comment(*, what: Sequence[str], by: Login, reference: str | None = None) -> str:
    """Return the confirmation that runs were asked to end, or that plans were dropped; `what` is `run ID`, `plan ID`."""
    return (
        f"{header('cancel', status='canceled', ref=reference)}\n"
        f"🚫 {code(by, limit=60)} canceled {_listed(what)}. A Terraform that is running is given time to end by itself;"
        " its stack stays held until it is gone.\n\nNext: comment `/status` to see what is left.\n"
    )


def unlocked_comment(*, stacks: Sequence[str], by: Login, reference: str | None = None) -> str:
    """Return the confirmation that this pull request holds the stacks no longer."""
    return (
        f"{header('unlock', status='unlocked', ref=reference)}\n"
        f"🔓 {code(by, limit=60)} released {_listed(stacks)}: other pull requests can apply now."
        " What was applied from here stays applied.\n\nNext: comment `/status` to see every environment.\n"
    )


def _listed(items: Sequence[str]) -> str:
    shown = [text(item, limit=100) for item in items[:_MOST]]
    more = len(items) - _MOST
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else ())]) or "nothing"
