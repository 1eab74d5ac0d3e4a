"""`/smoke ENV`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, RunKind, Stack
from bot.domain.refusals import Reason, Refusal
from bot.services.following import job_of
from bot.services.requesting import new_run
from handlers import common

SPEC = CommandSpec(
    name="smoke",
    usage="/smoke ENV [-p PROJECT]",
    summary="Carry out the checks of an environment again; a failure closes the way to the next environment.",
    who="anybody with write access",
    examples=("/smoke staging", "/smoke staging -p network"),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a verification of what was last put in place, for each stack that is meant."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    answers = [await _smoke(stack, request, bot) for stack in chosen]
    started = [answer for answer in answers if isinstance(answer, Started)]
    # Of several projects, those that were never applied have nothing to check.
    return [*started] if started and command.project is None else [*answers]


async def _smoke(stack: Stack, request: Request, bot: Bot) -> Answer:
    wish, now = request.wish, bot.clock.now()
    async with bot.records.write() as writer:
        newest = next(iter(await writer.releases(stack, limit=1)), None)
        if newest is None:
            return Refusal(
                reason=Reason.NOT_FOUND,
                sentence=f"Nothing was applied to {stack.label} yet, so there is nothing to check.",
                next_command=common.plan_command(stack.env, stack.project),
            )
        run = await writer.add_run(new_run(wish, now, RunKind.VERIFY, stack, plan=newest.plan_id), now)
        if run is not None:
            await writer.enqueue(job_of(run))
    return Started(runs=1)
