"""`/plan [ENV…]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal
from handlers import autoplan
from handlers.stack_choice import plannable

SPEC = CommandSpec(
    name="plan",
    usage="/plan [ENV…] [-p PROJECT] [-- ARGUMENTS]",
    summary="Plan the stacks this pull request touches, or the named environments.",
    who=Permission.WRITE.people,
    examples=(
        "/plan",
        "/plan staging",
        "/plan staging prod -p network",
        "/plan staging -- -target=terraform_data.web",
    ),
    parameters=(Parameter(kind=ParameterKind.ENV, required=False, repeated=True),),
    accepts_terraform_arguments=True,
    permission=Permission.WRITE,
    stacks=StackChoice.EVERY,
    needs_open_pull=True,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a plan for each stack that is meant."""
    is_whole = not command.envs and command.project is None and not command.arguments
    stacks = (
        request.stacks if command.envs else await _touched(request.stacks, request, bot, is_whole=is_whole)
    )
    runs = await bot.run_requests.plans(request.trigger, stacks, command.arguments)
    if not stacks:
        # No run will end and refresh the checks.
        await bot.reporting.refresh_checks(request.trigger.repo, request.trigger.pull)
        return [_nothing_touched(request)]
    return [Started(runs=len(runs), planning=True)]


async def _touched(
    stacks: tuple[Stack, ...], request: Request, bot: Bot, *, is_whole: bool
) -> tuple[Stack, ...]:
    """Return the stacks that the head touches; `is_whole` where all of them are planned."""
    tree = await autoplan.merged(request.trigger, request.loaded, bot)
    automatic = await autoplan.automatic_stacks(request.trigger, request.loaded.policy, tree, bot)
    if is_whole:
        # `gatewright/apply` is green only once everything that the head touches was selected.
        await autoplan.record_touched(request.trigger, request.loaded.policy, tree, automatic, bot)
    return tuple(stack for stack in stacks if stack in automatic)


def _nothing_touched(request: Request) -> Refusal:
    env = next((name for name in plannable(request.loaded.policy)), "ENV")
    return Refusal(
        reason=Reason.NO_CHANGES,
        sentence="This pull request changes no file of a stack that is planned automatically. Name an environment to plan it anyway.",
        next_command=f"/plan {env}",
    )
