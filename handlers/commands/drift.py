"""`/drift [ENV]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Lifetime, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Run, Stack
from bot.domain.core.refusals import Reason, Refusal

SPEC = CommandSpec(
    name="drift",
    usage="/drift [ENV] [-p PROJECT]",
    summary="Look for changes made outside Terraform, in every permanent environment or in one; nothing is changed.",
    who=Permission.WRITE.people,
    examples=("/drift", "/drift prod"),
    parameters=(Parameter(kind=ParameterKind.ENV, required=False),),
    permission=Permission.WRITE,
    stacks=StackChoice.EVERY,
    lifetime=Lifetime.PERMANENT,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a check of each stack that is meant."""
    answers: list[Answer] = []
    for stack in request.stacks:
        other = await bot.drifting.request(request.trigger, stack)
        answers.append(Started(runs=1) if other is None else _runs_already(stack, other))
    return answers


def _runs_already(stack: Stack, other: Run) -> Refusal:
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"Run `{other.id}` is already checking {stack.label}; its result is reported in the stack's issue.",
        next_command="/status",
    )
