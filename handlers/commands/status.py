"""`/status`."""

from __future__ import annotations

from dataclasses import replace

from bot.comments.answers.status import status_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec
from bot.domain.core.model import Permission
from bot.services.reporting.stack_notes import stack_notes

SPEC = CommandSpec(
    name="status",
    usage="/status",
    summary="Show the plans, locks, runs and last applies of this pull request's stacks.",
    who=Permission.READ.people,
    examples=("/status",),
    parameters=(),
    permission=Permission.READ,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Answer with a table."""
    view = await bot.reporting.status(request.trigger, request.loaded.policy)
    stacks = [row.stack for row in view.rows]
    view = replace(
        view,
        errored_states=await bot.errored_states.unrecovered(stacks),
        notes=await stack_notes(bot.records, stacks),
    )
    return [Reply(body=status_comment(view))]
