"""What every command must meet before its handler runs, read from its spec."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from bot.context import Bot, Request
from bot.domain.commands.parser import Command, CommandSpec, Right
from bot.domain.core.model import EnvName, PullRequest, Repo, Run
from bot.domain.core.refusals import Reason, Refusal
from bot.services.access.capacities import Standing, stacks_of
from bot.services.pages.run_actions import NOT_THEIRS
from handlers import stack_choice


async def prepare(spec: CommandSpec, command: Command, request: Request, bot: Bot) -> Request | Refusal:
    """Return the request with its stacks, or the first reason why the command is refused."""
    # Protect credentials and foreign states first, before the command's own conditions.
    refused = await _unallowed_code(spec, command, request, bot) or await _foreign_state(
        spec, command, request, bot
    )
    if refused is None and spec.needs_open_pull:
        refused = closed(request)
    if refused is None:
        refused = _lacks_permission(spec, request)
    if refused is not None:
        return refused
    stacks = stack_choice.choose(spec, command, request)
    if isinstance(stacks, Refusal):
        return stacks
    for env in command.envs:
        refused = await lacks_right(spec.right, env, request, bot)
        if refused is not None:
            return refused
    return replace(request, stacks=stacks)


async def may_run(repo: Repo, pull: PullRequest, bot: Bot) -> bool:
    """Whether the newest commit may run: a fork's only if a maintainer allowed it."""
    if not pull.is_fork:
        return True
    async with bot.records.read() as reader:
        return await reader.is_allowed(repo.full_name, pull.number, pull.head_sha)


def closed(request: Request) -> Refusal | None:
    """Return a refusal unless the pull request is open, with a base that the policy serves."""
    pull, default = request.trigger.pull, request.trigger.repo.default_branch
    if pull.is_open and not request.loaded.policy.serves(pull.base_ref, default_branch=default):
        return Refusal(
            reason=Reason.BASE,
            sentence=f"`{pull.base_ref}` is not a branch whose pull requests are planned: `branches` of the policy does not name it.",
            next_command=f"aim the pull request at {default}",
        )
    if pull.is_open:
        return None
    return Refusal(
        reason=Reason.PULL_CLOSED,
        sentence="This pull request is closed: nothing but a revert is planned or applied from it.",
        next_command="/status",
    )


async def lacks_right(right: Right, env: EnvName, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor has a right in an environment."""
    match right:
        case Right.NONE:
            return None
        case Right.APPLY:
            return await _may_not_apply(env, request, bot)
        case Right.OWN:
            needed = frozenset({Standing.OWNER, Standing.ADMIN})
            people = "the owners of {env} (CODEOWNERS of its directory or var file) and administrators"
        case Right.STOP:
            needed = frozenset(Standing)
            people = (
                "the owners of {env} (CODEOWNERS of its directory or var file), the policy's `oncall` team"
                " and administrators"
            )
        case _:
            assert_never(right)
    trigger = request.trigger
    # All projects of the environment, so that `-p` does not lower the required permission.
    stacks = stacks_of(request.loaded, trigger.repo, env, pull=trigger.pull.number)
    if needed & await bot.people.standing(trigger.repo, request.loaded, stacks, trigger.actor):
        return None
    return Refusal(reason=Reason.PERMISSION, sentence=f"This is for {people.format(env=env)}.")


async def not_theirs(run: Run, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor is the run's requester, an owner or an administrator."""
    trigger = request.trigger
    if run.actor.is_certainly(trigger.actor):
        return None
    standing = await bot.people.standing(trigger.repo, request.loaded, (run.stack,), trigger.actor)
    if standing & {Standing.OWNER, Standing.ADMIN}:
        return None
    return Refusal(reason=Reason.PERMISSION, sentence=NOT_THEIRS)


def _lacks_permission(spec: CommandSpec, request: Request) -> Refusal | None:
    if request.permission.allows(spec.permission):
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"`/{spec.name}` needs {spec.permission} access to {request.trigger.repo.full_name}.",
    )


async def _may_not_apply(name: EnvName, request: Request, bot: Bot) -> Refusal | None:
    env = request.loaded.policy.environment(name)
    trigger = request.trigger
    if await bot.access.may_apply(trigger.repo, env, trigger.actor, held=request.permission):
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"This is for people who may apply {name}: {env.apply.allow_words}.",
    )


async def _unallowed_code(spec: CommandSpec, command: Command, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal where code of a fork's commit would run that no maintainer has allowed."""
    repo, pull = request.trigger.repo, request.trigger.pull
    if not spec.runs_pull_code or await may_run(repo, pull, bot):
        return None
    # A revert runs the code of the release that it restores, not that of the pull request.
    if await _names_a_revert(command, request, bot):
        return None
    return Refusal(
        reason=Reason.FORK,
        sentence=(
            f"`/{spec.name}` is not run for a commit of a fork that no maintainer has allowed: its code would run"
            " with this repository's credentials."
        ),
        next_command=f"/allow {pull.head_sha}",
    )


async def _names_a_revert(command: Command, request: Request, bot: Bot) -> bool:
    if command.plan is None:
        return False
    async with bot.records.read() as reader:
        plan = await reader.plan(command.plan)
    if plan is None or plan.reverts_to is None:
        return False
    return (plan.stack.repo, plan.pull) == (request.trigger.repo.full_name, request.trigger.pull.number)


async def _foreign_state(spec: CommandSpec, command: Command, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal where the state of a named environment belongs to another repository."""
    if not spec.touches_state:
        return None
    stacks = request.loaded.policy.stacks(request.trigger.repo.full_name, pull=request.trigger.pull.number)
    meant = [
        stack for stack in stacks if stack.env in command.envs and command.project in {None, stack.project}
    ]
    return await bot.owners.refusal(meant)
