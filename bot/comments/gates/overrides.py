"""Answers to `/override`."""

from __future__ import annotations

from bot.comments.markdown.escape import code
from bot.comments.markdown.header import header
from bot.comments.markdown.words import minute, next_line, sentence
from bot.domain.core.accounts import Account
from bot.domain.gates.overrides import Override


def override_asked_comment(override: Override, *, line: str, reference: str | None = None) -> str:
    """Return the answer to the first owner: a second one must repeat it."""
    return (
        f"{header('override', env=override.env, status='asked', ref=reference)}\n"
        f"🔑 {code(override.asked_by, limit=60)} wants to open the gate {code(override.gate)} of"
        f" {code(override.env, limit=60)} once: {sentence(override.reason, limit=500)} It opens when another owner"
        f" repeats the command before {minute(override.expires_at)}.\n\nNext: another owner comments {code(line, limit=300)}.\n"
    )


def override_confirmed_comment(override: Override, *, by: Account, reference: str | None = None) -> str:
    """Return the answer to the second owner: the gate is open for one apply."""
    return (
        f"{header('override', env=override.env, status='open', ref=reference)}\n"
        f"🔓 {code(override.asked_by, limit=60)} and {code(by, limit=60)} opened the gate {code(override.gate)} of"
        f" {code(override.env, limit=60)} for one apply of the plan that is there now, until"
        f" {minute(override.expires_at)}. The closeout will say so.\n\n{next_line(f'/apply {override.env}')}"
    )
