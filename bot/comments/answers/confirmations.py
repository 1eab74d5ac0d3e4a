"""Short answers to commands that start no run."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import minute, sentence
from bot.domain.core.accounts import Account
from bot.domain.gates.freezes import Hold

_MOST = 20


def canceled_comment(*, what: Sequence[str], by: Account, reference: str | None = None) -> str:
    """Return the confirmation that runs were canceled or plans dropped.

    The items of `what` are `run ID` or `plan ID`.
    """
    return (
        f"{header('cancel', status='canceled', ref=reference)}\n"
        f"🚫 {code(by, limit=60)} canceled {_listed(what)}. A running Terraform is given time to end;"
        " its stack stays held until it is gone.\n\nNext: comment `/status` to see what is left.\n"
    )


def unlocked_comment(*, stacks: Sequence[str], by: Account, reference: str | None = None) -> str:
    """Return the confirmation that the locks of this pull request are released."""
    return (
        f"{header('unlock', status='unlocked', ref=reference)}\n"
        f"🔓 {code(by, limit=60)} released {_listed(stacks)}: other pull requests can apply now."
        " What was applied from here stays applied.\n\nNext: comment `/status` to see every environment.\n"
    )


def held_comment(*, env: str, by: Account, reason: str, reference: str | None = None) -> str:
    """Return the confirmation that an environment is frozen."""
    return (
        f"{header('hold', env=env, status='held', ref=reference)}\n"
        f"✋ {code(by, limit=60)} put {code(env, limit=60)} on hold: {sentence(reason, limit=500)}"
        " Nothing is applied there, from any pull request, until that is lifted; what is being applied goes on."
        f"\n\nNext: comment `/unhold {env}` to lift it.\n"
    )


def unheld_comment(
    *, env: str, by: Account, holds: Sequence[Hold], is_open: bool, reference: str | None = None
) -> str:
    """Return the confirmation that an environment is no longer frozen."""
    plan = f"`/plan {env}` for a plan of what is there now"
    lines = [
        f"- {prose(hold.reason, limit=300)} ({code(hold.by, limit=60)}, {minute(hold.since)})"
        for hold in holds[:_MOST]
    ]
    return (
        f"{header('hold', env=env, status='lifted', ref=reference)}\n"
        f"👐 {code(by, limit=60)} lifted the hold of {code(env, limit=60)}. It had been held because of:\n\n"
        + "\n".join(lines)
        + f"\n\nNext: comment {plan if is_open else '`/status` to see every environment'}.\n"
    )


def _listed(items: Sequence[str]) -> str:
    shown = [text(item, limit=100) for item in items[:_MOST]]
    more = len(items) - _MOST
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else ())]) or "nothing"
