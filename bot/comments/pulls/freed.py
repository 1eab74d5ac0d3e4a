"""The comment on a stack that has become free."""

from __future__ import annotations

from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import command, next_line
from bot.domain.core.model import PlanId
from bot.domain.environments.waits import LockEvent, Wait, WaitReason

_WHY = {
    WaitReason.REFUSED: "An apply of this pull request was refused because of the lock",
    WaitReason.REVERT: (
        "No revert is pending there any more. As long as one was, nothing that was pushed to this pull request was"
        " planned there"
    ),
    WaitReason.STALE: "What became of its state made the plan of this pull request stale",
}


def freed_comment(wait: Wait, *, freed_by: LockEvent | None, current: PlanId | None) -> str:
    """Return the comment on a free stack; `current` is the plan that can be applied unchanged."""
    stack = wait.stack
    first = header("lock", env=stack.env, project=stack.project, status="free", ref=f"freed-{wait.number}")
    how = "" if freed_by is None or wait.reason is WaitReason.REVERT else f" {_how(freed_by)}"
    what = (
        "so it is being planned again; read the new plan before you apply it"
        if current is None
        else f"and plan {code(current)} is still what would happen"
    )
    return (
        f"{first}\n🔓 **{text(stack.label, limit=100)} is free.**{how} {_WHY[wait.reason]}, {what}.\n\n"
        f"{next_line('/status' if current is None else command('apply', stack))}"
    )


def _how(event: LockEvent) -> str:
    return f"Pull request {event.pull} no longer holds it: {prose(event.why, limit=200)} ({code(event.actor, limit=60)})."
