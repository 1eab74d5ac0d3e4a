"""The checks after an apply and their results."""

from __future__ import annotations

from bot.comments.markdown.escape import code, link, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, steps
from bot.domain.core.model import Run
from bot.domain.core.outcome import Outcome
from bot.domain.releases.release import Verification

_MOST_CHECKS = 50
_MARKS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔", Outcome.ERROR: "⚠️"}


def check_table(made: Verification) -> str:
    """Return one row per check; empty if the policy defines none."""
    if not made.checks:
        return ""
    lines = ["| Check | Result | What it found |\n| --- | --- | --- |\n"]
    for check in made.checks[:_MOST_CHECKS]:
        tries = f" ({check.attempts} tries)" if check.attempts > 1 else ""
        lines.append(
            f"| {text(check.name, limit=60)} | {_MARKS[check.outcome]} {check.outcome} |"
            f" {prose(check.sentence, limit=300)}{tries} |\n"
        )
    more = len(made.checks) - _MOST_CHECKS
    return "".join(lines) + (f"\nAnd {more} more checks.\n" if more > 0 else "") + "\n"


def verified_part(made: Verification) -> str:
    """Return the part of an apply's comment that reports its verification."""
    if not made.checks:
        return ""
    if made.outcome is Outcome.PASS:
        return f"**Verified**: every check passed.\n\n{check_table(made)}"
    again = code(command("smoke", made.stack), limit=150)
    return (
        f"> [!WARNING]\n> **It was applied, but its checks ended with {made.outcome}.** Nothing is promoted from it;"
        f" when the reason is gone, {again} checks again.\n\n{check_table(made)}"
    )


def verify_comment(run: Run, made: Verification | None, *, run_url: str | None) -> str:
    """Return the comment on a requested verification, or on an automatic one that failed."""
    outcome = made.outcome if made is not None else Outcome.ERROR
    first = header(
        "verify",
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        plan=run.plan_id,
        head=run.head_sha,
        status="verified" if outcome is Outcome.PASS else str(outcome).lower(),
    )
    title = "verified" if outcome is Outcome.PASS else f"the checks ended with {outcome}"
    said = (
        check_table(made)
        if made is not None
        else f"{prose(run.summary or 'It was not carried out.', limit=500)}\n\n"
    )
    nothing = "The policy names no checks for it.\n\n" if made is not None and not made.checks else ""
    again = Step(sentence="To check again", command=command("smoke", run.stack))
    return (
        f"{first}\n### {_MARKS[outcome]} {text(run.stack.label)}: {title}\n\n"
        f"Release {code(run.plan_id or 'unknown')} · asked for by {code(run.actor, limit=60)} ·"
        f" {link(f'run {code(run.id)}', run_url)}\n\n{nothing}{said}{steps((again,))}"
    )
