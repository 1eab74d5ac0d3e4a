"""`/plan [ENV…]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, Stack
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="plan",
    usage="/plan [ENV…] [-p PROJECT] [-- ARGUMENTS]",
    summary="Plan the stacks this pull request touches, or the named environments.",
    who="anybody with write access",
    examples=(
        "/plan",
        "/plan staging",
        "/plan staging prod -p network",
        "/plan staging -- -target=terraform_data.web",
    ),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=True),),
    accepts_terraform_arguments=True,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a plan for each stack that is meant."""
    refused = common.closed(request) or common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    stacks = chosen if command.envs else await _touched(chosen, request, bot)
    runs = await bot.requesting.plans(request.wish, stacks, command.arguments)
    if not command.envs and command.project is None and not command.arguments:
        await _all_asked(request, bot)
    if not stacks:
        await bot.reporting.refresh_checks(request.wish.repo, request.wish.pull, request.loaded.policy)
        return [_nothing_touched(request)]
    return [Started(runs=len(runs))]


async def _all_asked(request: Request, bot: Bot) -> None:
    """Note that what this head touches was asked to be planned, without which `gatewright/apply` is not green."""
    wish = request.wish
    async with bot.records.write() as writer:
        await writer.select(wish.repo.full_name, wish.pull.number, wish.pull.head_sha)


async def _touched(stacks: tuple[Stack, ...], request: Request, bot: Bot) -> tuple[Stack, ...]:
    tree = await common.merged(request.wish, request.loaded, bot)
    automatic = await common.automatic_stacks(request.wish, request.loaded.policy, tree, bot)
    return tuple(stack for stack in stacks if stack in automatic)


def _nothing_touched(request: Request) -> Refusal:
    env = next((name for name in common.plannable(request.loaded.policy)), "ENV")
    return Refusal(
        reason=Reason.NO_CHANGES,
        sentence="This pull request changes no file of a stack that is planned by itself. Name an environment to plan it anyway.",
        next_command=f"/plan {env}",
    )
