"""What `/import` and `/state rm` have in common: who may ask where, and the run that plans it."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec
from bot.domain.model import Stack, StateOperation
from bot.domain.refusals import Reason, Refusal
from bot.domain.state_operations import arguments_of
from bot.services.next_steps import why_closed
from handlers import common


async def plan(
    spec: CommandSpec, wanted: StateOperation, command: Command, request: Request, bot: Bot
) -> list[Answer]:
    """Queue the plan of an operation on the one stack that is meant."""
    refused = common.closed(request) or common.lacks_permission(spec, request)
    if refused is not None:
        return [refused]
    stack = _meant(spec, command, request)
    if isinstance(stack, Refusal):
        return [stack]
    refused = await _may_not(spec, stack, request, bot)
    if refused is not None:
        return [refused]
    runs = await bot.requesting.plans(request.wish, (stack,), arguments_of(wanted), operation=wanted)
    return [Started(runs=len(runs))]


def _meant(spec: CommandSpec, command: Command, request: Request) -> Stack | Refusal:
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return chosen
    if len(chosen) == 1:
        return chosen[0]
    projects = tuple(stack.project for stack in chosen)
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"{command.env} has several projects, each with a state of its own: name one.",
        next_command=f"the same command with `-p {projects[0]}`" if projects else f"/help {spec.name}",
        detail=projects,
    )


async def _may_not(spec: CommandSpec, stack: Stack, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal for an environment that nobody applies by comment, or that the actor may not apply."""
    env = request.loaded.policy.environment(stack.env)
    if env.lifecycle != "permanent":
        return Refusal(
            reason=Reason.ENVIRONMENT,
            sentence=f"{stack.env} lives only as long as a pull request: nothing is taken into its state or out of it by hand.",
            next_command="/status",
        )
    closed = why_closed(env)
    if closed is not None:
        return Refusal(reason=Reason.ENVIRONMENT, sentence=f"{closed}.", next_command="/status")
    if await bot.access.may_apply(request.wish.repo, env, request.wish.actor):
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"`/{spec.name}` is for who may apply {stack.env}: {env.apply.allow_words}.",
    )
