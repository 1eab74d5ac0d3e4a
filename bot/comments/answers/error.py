"""Comments on internal errors: short, with the id to find them in the log, without secrets."""

from __future__ import annotations

from bot.comments.markdown.escape import code
from bot.comments.markdown.header import header
from bot.comments.markdown.words import sentence


def failure_comment(*, reference: str, message: str | None = None, next_command: str | None = None) -> str:
    """Return the comment for an unexpected error.

    `reference` is the delivery or run id; `message` is given only for errors whose text is known to be
    harmless.
    """
    said = f" {sentence(message, limit=500)}" if message else ""
    again = f"comment {code(next_command)} to try again" if next_command else "give the command again"
    return (
        f"{header('error', status='failed', ref=reference)}\n### ⚠️ Something failed on our side\n\n"
        f"This could not be carried out.{said} The log has it under {code(reference, limit=80)}.\n\n"
        f"Next: {again}; if it fails again, tell an operator that id.\n"
    )


def given_up_comment(*, reference: str, what: str, why: str, next_command: str | None) -> str:
    """Return the comment for a delivery that failed after all retries.

    `what` is what was requested, in our own words; `why` is known to be harmless.
    """
    again = (
        f"Next: look with `/status` at what was begun, then comment {code(next_command)} to ask for it again.\n"
        if next_command
        else "Next: comment `/status` to see how things stand.\n"
    )
    return (
        f"{header('error', status='failed', ref=reference)}\n### ⚠️ Failed after several tries\n\n"
        f"{sentence(what)} It could not be carried out: {sentence(why, limit=500)}"
        f" It will not be retried automatically. The log has it under {code(reference, limit=80)}.\n\n{again}"
    )
