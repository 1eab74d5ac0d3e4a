"""`/revert [ENV] [to RELEASE]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, Stack
from bot.domain.refusals import Reason, Refusal
from bot.policy import RepoPolicy
from handlers import common

SPEC = CommandSpec(
    name="revert",
    usage="/revert [ENV] [to RELEASE] [-p PROJECT]",
    summary="Plan the way back to an earlier release of an environment, on open, merged and closed pull requests.",
    who="anybody with write access plans it; it is applied with `/apply ENV PLAN`, by an owner or who is on call",
    examples=("/revert", "/revert staging", "/revert prod to p7k2m9qa"),
    parameters=(
        Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),
        Parameter(label="RELEASE", kind=ParameterKind.RELEASE, required=False, repeated=False, option="to"),
    ),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan of the way back; nothing is changed by it."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    stack = await _meant(command, request, bot)
    if isinstance(stack, Refusal):
        return [stack]
    refused = await bot.reverting.plan(request.wish, request.loaded, stack, named=command.release)
    return [refused] if refused is not None else [Started(runs=1)]


async def _meant(command: Command, request: Request, bot: Bot) -> Stack | Refusal:
    """Return the one stack that is meant: the named one, else the one that this pull request changed last."""
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return chosen
    policy, wish = request.loaded.policy, request.wish
    lasting = tuple(stack for stack in chosen if policy.environment(stack.env).lifecycle == "permanent")
    if not lasting:
        return _not_lasting(command)
    if command.env is not None and len(lasting) == 1:
        return lasting[0]
    last = await bot.reverting.last_applied(wish.repo.full_name, wish.pull.number, stacks=lasting)
    if last is not None:
        return last
    return _ambiguous(command, lasting, policy)


def _not_lasting(command: Command) -> Refusal:
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=f"{command.env or 'It'} lives only as long as its pull request: it is destroyed, not reverted.",
        next_command=f"/destroy {command.env}" if command.env else "/status",
    )


def _ambiguous(command: Command, stacks: tuple[Stack, ...], policy: RepoPolicy) -> Refusal:
    if command.env is None:
        every = tuple(dict.fromkeys(stack.env for stack in stacks))
        envs = tuple(env for env in every if env in common.applicable(policy)) or every
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
