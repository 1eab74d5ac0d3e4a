"""`/smoke ENV`."""

from __future__ import annotations

from bot.comments.markdown.words import command as command_for
from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, RunKind, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.services.runs.new_runs import queue_run

SPEC = CommandSpec(
    name="smoke",
    usage="/smoke ENV [-p PROJECT]",
    summary="Run the checks of an environment again; a failure blocks the promotion to the next environment.",
    who=Permission.WRITE.people,
    examples=("/smoke staging", "/smoke staging -p network"),
    parameters=(Parameter(kind=ParameterKind.ENV),),
    permission=Permission.WRITE,
    stacks=StackChoice.EVERY,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a verification of the newest release of each selected stack."""
    answers = [await _smoke(stack, request, bot) for stack in request.stacks]
    started = [answer for answer in answers if isinstance(answer, Started)]
    # Of several projects, those that were never applied have nothing to check.
    return [*started] if started and command.project is None else [*answers]


async def _smoke(stack: Stack, request: Request, bot: Bot) -> Answer:
    trigger, now = request.trigger, bot.clock.now()
    async with bot.records.write() as writer:
        newest = next(iter(await writer.releases(stack, limit=1)), None)
        if newest is None:
            return Refusal(
                reason=Reason.NOT_FOUND,
                sentence=f"Nothing was applied to {stack.label} yet, so there is nothing to check.",
                next_command=command_for("plan", stack),
            )
        await queue_run(writer, trigger.run(now, RunKind.VERIFY, stack, plan=newest.plan_id), now)
    return Started(runs=1)
