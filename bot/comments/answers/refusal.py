"""Refusals: what was requested, why it was not done, and the exact next command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, prose
from bot.comments.markdown.header import header
from bot.comments.markdown.words import next_line
from bot.domain.core.accounts import Account
from bot.domain.core.refusals import Reason, Refusal

_MOST = 20


def refusal_comment(
    refusals: Sequence[Refusal],
    *,
    actor: Account,
    line: str,
    head: str | None = None,
    reference: str | None = None,
    env: str | None = None,
    project: str | None = None,
    plan: str | None = None,
) -> str:
    """Return the comment on a refused command, with all shut gates at once.

    `line` is the command as typed, `reference` what caused the comment. Raises ValueError without a refusal.
    """
    if not refusals:
        raise ValueError("a refusal comment needs a refusal")
    reasons = list(dict.fromkeys(str(refusal.reason) for refusal in refusals))
    first = header(
        "refusal",
        env=env,
        project=project,
        plan=plan,
        head=head,
        status="refused",
        reason=reasons[0],
        reasons=reasons if len(reasons) > 1 else (),
        ref=reference,
    )
    asked = f"{code(actor, limit=60)} asked for {code(line, limit=200)}, but nothing was done."
    if all(refusal.reason is Reason.PERMISSION for refusal in refusals):
        return f"{first}\n🚫 {asked} {prose(refusals[0].sentence, limit=500)}\n{_next(refusals)}"
    return fit(
        [
            Part(text=f"{first}\n### 🚫 Refused\n\n{asked}\n\n"),
            *(part for refusal in refusals[:_MOST] for part in _told(refusal, listed=len(refusals) > 1)),
            Part(text=f"- and {len(refusals) - _MOST} more\n" if len(refusals) > _MOST else ""),
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(text=_next(refusals)),
            Part(text=_look(refusals, env, project)),
        ]
    )


def _told(refusal: Refusal, *, listed: bool) -> Iterator[Part]:
    lines = [line for line in refusal.detail if line.strip()]
    gate = f"Gate {code(refusal.gate)}: " if refusal.gate else ""
    yield Part(text=f"{'- ' if listed else ''}{gate}{prose(refusal.sentence, limit=500)}\n")
    yield Part(text="" if listed or not lines else "\n")
    for line in lines:
        yield Part(text=f"{'  ' if listed else ''}- {prose(line, limit=300)}\n", drop=Drop.DETAIL)


def _look(refusals: Sequence[Refusal], env: str | None, project: str | None) -> str:
    """Say which command shows all gates, including those that passed."""
    if env is None or not any(refusal.gate for refusal in refusals):
        return ""
    of = f" -p {project}" if project not in {None, "default"} else ""
    return f"To see every gate, comment {code(f'/gates {env}{of}')}.\n"


def _next(refusals: Sequence[Refusal]) -> str:
    commands = list(dict.fromkeys(refusal.next_command for refusal in refusals if refusal.next_command))
    return "\n".join(next_line(command) for command in commands[:5])
