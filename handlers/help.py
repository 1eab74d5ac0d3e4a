"""`/help [COMMAND]`."""

from __future__ import annotations

from difflib import get_close_matches

from bot.comments.help import command_help, help_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="help",
    usage="/help [COMMAND]",
    summary="Show the commands, or one of them with examples.",
    who="anybody who can read the repository",
    examples=("/help", "/help apply"),
    parameters=(Parameter(label="COMMAND", kind=ParameterKind.TEXT, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.READ,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:  # noqa: ARG001 - one signature for all
    """Answer from the very table that dispatches the commands."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    wanted = (command.text or "").strip().lstrip("/").lower()
    spec = next((spec for spec in request.specs if spec.name == wanted), None)
    if wanted and spec is None:
        known = ", ".join(f"`/{spec.name}`" for spec in request.specs)
        near = get_close_matches(wanted, [spec.name for spec in request.specs], n=1)
        sentence = f"There is no such command. There are {known}."
        again = f"/help {near[0]}" if near else "/help"
        return [Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command=again)]
    body = (
        help_comment(request.specs, reference=request.wish.correlation_id)
        if spec is None
        else command_help(spec, reference=request.wish.correlation_id)
    )
    return [Said(kind="help", body=body)]
