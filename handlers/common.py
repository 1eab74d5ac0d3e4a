"""Questions that several commands ask before they do anything."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from bot.context import Bot, Request
from bot.domain.commands import Command, CommandSpec
from bot.domain.errors import PolicyError, WorkspaceError
from bot.domain.model import EnvName, ProjectName, PullRequest, Repo, Run, Stack
from bot.domain.refusals import Reason, Refusal
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.services.next_steps import why_closed
from bot.services.people import Standing, stacks_of
from bot.services.policies import LoadedPolicy
from bot.services.requesting import Wish
from bot.services.run_acts import NOT_THEIRS
from bot.services.stacks import MergedTree, touched_stacks

_MOST_PLANS = 10_000
"""Plans of a pull request, each of whose stacks its merge concerns."""


def plannable(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments that the bot runs; `trigger: local` ones are for developers' machines."""
    return tuple(name for name in policy.environments if policy.environment(name).trigger != "local")


def applicable(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments worth offering for `/apply`: those that a comment can apply in this version."""
    return tuple(name for name in plannable(policy) if _by_comment(policy.environment(name)))


def passing(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments that do not last: what `/destroy` is for."""
    return tuple(name for name in plannable(policy) if policy.environment(name).lifecycle != "permanent")


def offered(policy: RepoPolicy) -> dict[str, tuple[EnvName, ...]]:
    """Return command -> the environments to offer where those that can be applied are not the ones it is for."""
    return {"destroy": passing(policy)}


def _by_comment(env: EnvironmentPolicy) -> bool:
    """Whether people apply it: a pull request's own environment is applied by the bot itself."""
    return env.lifecycle == "permanent" and why_closed(env) is None


def closed(request: Request) -> Refusal | None:
    """Return a refusal when the pull request is not open, or not for a branch that the policy serves."""
    pull, default = request.wish.pull, request.wish.repo.default_branch
    if pull.is_open and not request.loaded.policy.serves(pull.base_ref, default_branch=default):
        return Refusal(
            reason=Reason.BASE,
            sentence=f"{pull.base_ref} is no branch whose pull requests are planned: `branches` of the policy does not name it.",
            next_command=f"aim the pull request at {default}",
        )
    if pull.is_open:
        return None
    return Refusal(
        reason=Reason.PULL_CLOSED,
        sentence="This pull request is closed, so nothing but a revert is planned or applied from it.",
        next_command="/status",
    )


async def may_run(repo: Repo, pull: PullRequest, bot: Bot) -> bool:
    """Whether the code of the pull request's newest commit may run: not a fork's, unless a maintainer allowed it."""
    if not pull.is_fork:
        return True
    async with bot.records.read() as reader:
        return await reader.is_allowed(repo.full_name, pull.number, pull.head_sha)


def lacks_permission(spec: CommandSpec, request: Request) -> Refusal | None:
    """Return a refusal when the actor's right does not reach."""
    if request.held.allows(spec.needs):
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=f"`/{spec.name}` needs {spec.needs} access to {request.wish.repo.full_name}.",
    )


async def lacks_standing(env: EnvName, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor may stop, and let go on, what happens in an environment."""
    wish = request.wish
    stacks = stacks_of(request.loaded, wish.repo, env, pull=wish.pull.number)
    if await bot.people.standing(wish.repo, request.loaded, stacks, wish.actor):
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=(
            f"This is for the owners of {env} (CODEOWNERS of its directory or var file), the policy's `oncall`"
            " team and administrators."
        ),
    )


async def not_theirs(run: Run, request: Request, bot: Bot) -> Refusal | None:
    """Return a refusal unless the actor asked for the run, owns its environment or is an administrator."""
    wish = request.wish
    if run.actor.lower() == wish.actor.lower():
        return None
    standing = await bot.people.standing(wish.repo, request.loaded, (run.stack,), wish.actor)
    if standing & {Standing.OWNER, Standing.ADMIN}:
        return None
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=NOT_THEIRS,
    )


def unknown_environment(name: EnvName, request: Request) -> Refusal | None:
    """Return a refusal when the policy has no such environment, or when the bot does not run it."""
    policy = request.loaded.policy
    choices = plannable(policy)
    if name in choices:
        return None
    near = get_close_matches(name, choices, n=1)
    local = name in policy.environments
    sentence = (
        f"`{name}` is run on developers' machines only, with `gatewright local plan {name}`."
        if local
        else f"There is no environment `{name}` in gatewright.yaml."
    )
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=f"{sentence} The choices are {', '.join(f'`{choice}`' for choice in choices)}.",
        next_command=f"/{_name(request)} {near[0]}" if near else None,
    )


def _name(request: Request) -> str:
    """Return the command's name as typed; some have two words."""
    words = request.line.lstrip("/").lower().split()
    names = {spec.name for spec in request.specs}
    return " ".join(words[:2]) if " ".join(words[:2]) in names else words[0]


def choose_stacks(command: Command, request: Request) -> tuple[Stack, ...] | Refusal:
    """Return the stacks of the named environments (all when none is named) and of the named project."""
    policy, wish = request.loaded.policy, request.wish
    for name in command.envs:
        refused = unknown_environment(name, request)
        if refused is not None:
            return refused
    projects = [project.name for project in policy.projects]
    if command.project is not None and command.project not in projects:
        return unknown_project(command.project, projects)
    wanted = command.envs or plannable(policy)
    return tuple(
        stack
        for stack in policy.stacks(wish.repo.full_name, pull=wish.pull.number)
        if stack.env in wanted and command.project in {None, stack.project}
    )


def unknown_project(name: ProjectName, projects: Sequence[str]) -> Refusal:
    """Return the refusal of a project that the policy has not."""
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"There is no project `{name}`. The choices are {', '.join(f'`{project}`' for project in projects)}.",
    )


async def merged(wish: Wish, loaded: LoadedPolicy, bot: Bot) -> MergedTree:
    """Return the merge of the pull request's head into its base's tip. Raises MergeConflictError."""
    repo, pull = wish.repo, wish.pull
    base = (
        loaded.commit
        if pull.base_ref == repo.default_branch
        else await bot.github.branch_head(repo, pull.base_ref)
    )
    return await bot.trees.merged(repo, pull, base=base, head=pull.head_sha)


async def automatic_stacks(wish: Wish, policy: RepoPolicy, tree: MergedTree, bot: Bot) -> tuple[Stack, ...]:
    """Return what is planned by itself for this pull request: what it touches, and what it has applied.

    The latter because a push may have taken an applied change back.
    """
    repo, pull = wish.repo.full_name, wish.pull.number
    automatic = tuple(
        stack
        for stack in policy.stacks(repo, pull=pull)
        if stack.env in plannable(policy) and policy.environment(stack.env).autoplan
    )
    touched = touched_stacks(policy, automatic, tree)
    async with bot.records.read() as reader:
        held = {lock.stack.state_key for lock in await reader.locks(repo=repo, pull=pull)}
    return tuple(stack for stack in automatic if stack in touched or stack.state_key in held)


def plan_command(stack_env: EnvName, project: ProjectName) -> str:
    """The command that plans one stack."""
    return f"/plan {stack_env}" + ("" if project == "default" else f" -p {project}")


async def stacks_to_sync(
    repo: Repo, pull: PullRequest, bot: Bot
) -> tuple[tuple[Stack, ...], tuple[Stack, ...]]:
    """Return the stacks that a merged pull request touched or planned, and those of them that may be applied now."""
    try:
        policy = (await bot.policies.load(repo)).policy
    except PolicyError:
        return (), ()
    if not policy.serves(pull.base_ref, default_branch=repo.default_branch):
        return (), ()
    known = tuple(
        stack
        for stack in policy.stacks(repo.full_name, pull=pull.number)
        if stack.env in plannable(policy) and policy.environment(stack.env).after_merge != "none"
    )
    async with bot.records.read() as reader:
        plans = await reader.plan_outlines(repo=repo.full_name, pull=pull.number, limit=_MOST_PLANS)
        locks = await reader.locks(repo=repo.full_name, pull=pull.number)
    concerned = {plan.stack.state_key for plan in plans} | {lock.stack.state_key for lock in locks}
    try:
        tree = await bot.trees.merged(repo, pull, base=pull.base_sha, head=pull.head_sha)
        concerned |= {stack.state_key for stack in touched_stacks(policy, known, tree)}
    except WorkspaceError:
        pass  # What it touched cannot be found out any more; what it planned is known.
    stacks = tuple(stack for stack in known if stack.state_key in concerned)
    return stacks, tuple(stack for stack in stacks if policy.environment(stack.env).after_merge == "apply")
