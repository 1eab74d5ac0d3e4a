"""`/destroy ENV`."""

from __future__ import annotations

from bot.comments.pulls.leases import destroying_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import (
    Command,
    CommandSpec,
    Lifetime,
    Parameter,
    ParameterKind,
    Right,
    StackChoice,
)
from bot.domain.core.model import Permission
from bot.domain.core.refusals import Reason, Refusal

SPEC = CommandSpec(
    name="destroy",
    usage="/destroy ENV [-p PROJECT]",
    summary="Destroy the environment that this pull request has for itself, and hand it to the next in line.",
    who="people who may apply it; only environments whose `lifecycle` is not `permanent`",
    examples=("/destroy test",),
    parameters=(Parameter(kind=ParameterKind.ENV),),
    permission=Permission.WRITE,
    right=Right.APPLY,
    stacks=StackChoice.EVERY,
    lifetime=Lifetime.TEMPORARY,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the destroys; it works on closed pull requests too."""
    trigger = request.trigger
    leaving = await bot.leases.leave(
        trigger.repo,
        trigger.pull.number,
        request.loaded.policy,
        by=trigger.actor,
        cause=trigger.correlation_id,
        comment_id=trigger.comment_id,
        only=request.stacks,
    )
    if not leaving:
        return [
            Refusal(
                reason=Reason.NOT_FOUND,
                sentence=f"This pull request has not locked {command.env}, so there is nothing of it to destroy.",
                next_command="/status",
            )
        ]
    body = destroying_comment(stacks=leaving, by=trigger.actor, reference=trigger.correlation_id)
    return [Reply(body=body)]
