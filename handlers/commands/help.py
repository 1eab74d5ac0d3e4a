"""`/help [COMMAND]`."""

from __future__ import annotations

from difflib import get_close_matches

from bot.comments.answers.help import command_help, help_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.core.model import Permission
from bot.domain.core.refusals import Reason, Refusal

SPEC = CommandSpec(
    name="help",
    usage="/help [COMMAND]",
    summary="Show the commands, or one of them with examples.",
    who=Permission.READ.people,
    examples=("/help", "/help apply"),
    parameters=(Parameter(label="COMMAND", kind=ParameterKind.TEXT, required=False),),
    permission=Permission.READ,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Answer from the same table that dispatches commands."""
    wanted = (command.text or "").strip().lstrip("/").lower()
    spec = next((spec for spec in request.specs if spec.name == wanted), None)
    if wanted and spec is None:
        known = ", ".join(f"`/{spec.name}`" for spec in request.specs)
        near = get_close_matches(wanted, [spec.name for spec in request.specs], n=1)
        sentence = f"There is no such command. There are {known}."
        again = f"/help {near[0]}" if near else "/help"
        return [Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command=again)]
    body = (
        help_comment(request.specs, reference=request.trigger.correlation_id)
        if spec is None
        else command_help(spec, reference=request.trigger.correlation_id)
    )
    return [Reply(body=body)]
