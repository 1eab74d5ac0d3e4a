"""`/revert [ENV] [to RELEASE]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Lifetime, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.policy import RepoPolicy
from handlers.stack_choice import applicable

SPEC = CommandSpec(
    name="revert",
    usage="/revert [ENV] [to RELEASE] [-p PROJECT]",
    summary="Plan the way back to an earlier release of an environment, on open, merged and closed pull requests.",
    who="people with write access plan it; an owner or a person on call applies it with `/apply ENV PLAN`",
    examples=("/revert", "/revert staging", "/revert prod to p7k2m9qa"),
    parameters=(
        Parameter(kind=ParameterKind.ENV, required=False),
        Parameter(label="RELEASE", kind=ParameterKind.RELEASE, required=False, option="to"),
    ),
    permission=Permission.WRITE,
    stacks=StackChoice.EVERY,
    lifetime=Lifetime.PERMANENT,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan of a revert; it changes nothing."""
    stack = await _meant(command, request, bot)
    if isinstance(stack, Refusal):
        return [stack]
    refused = await bot.reverting.plan(request.trigger, request.loaded, stack, named=command.release)
    return [refused] if refused is not None else [Started(runs=1)]


async def _meant(command: Command, request: Request, bot: Bot) -> Stack | Refusal:
    """Return the named stack, else the one that this pull request changed last."""
    stacks, trigger = request.stacks, request.trigger
    if command.env is not None and len(stacks) == 1:
        return stacks[0]
    last = await bot.reverting.last_applied(trigger.repo.full_name, trigger.pull.number, stacks=stacks)
    return _ambiguous(command, stacks, request.loaded.policy) if last is None else last


def _ambiguous(command: Command, stacks: tuple[Stack, ...], policy: RepoPolicy) -> Refusal:
    if command.env is None:
        every = tuple(dict.fromkeys(stack.env for stack in stacks))
        envs = tuple(env for env in every if env in applicable(policy)) or every
        return Refusal(
            reason=Reason.NOTHING_TO_REVERT,
            sentence="This pull request has applied nothing, so it does not say which environment to revert.",
            next_command=f"/revert {envs[0]}",
            detail=tuple(f"`/revert {env}`" for env in envs),
        )
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"{command.env} has several projects, and this pull request has applied none of them: name one.",
        next_command=f"/revert {command.env} -p {stacks[0].project}",
    )
