"""`/status`."""

from __future__ import annotations

from dataclasses import replace

from bot.comments.status import status_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec
from bot.domain.model import Permission
from bot.services.stack_notes import stack_notes
from handlers import common

SPEC = CommandSpec(
    name="status",
    usage="/status",
    summary="Show the plans, locks, runs and last applies of this pull request's stacks.",
    who="anybody who can read the repository",
    examples=("/status",),
    parameters=(),
    accepts_terraform_arguments=False,
    needs=Permission.READ,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:  # noqa: ARG001 - one signature for all
    """Answer with a table."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    view = await bot.reporting.status(request.wish, request.loaded.policy)
    stacks = [row.stack for row in view.rows]
    view = replace(
        view, rescues=await bot.rescues.waiting(stacks), notes=await stack_notes(bot.records, stacks)
    )
    return [Said(kind="status", body=status_comment(view))]
