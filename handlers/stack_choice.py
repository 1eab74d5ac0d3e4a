"""Choose the stacks that a command is about, and name the environments to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.context import Request
from bot.domain.commands.parser import Command, CommandSpec, Lifetime, StackChoice, render
from bot.domain.core.model import EnvName, ProjectName, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.services.reporting.next_steps import why_closed


def plannable(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments that the bot runs, without those of developers' machines."""
    return tuple(name for name in policy.environments if policy.environment(name).trigger != "local")


def applicable(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments that `/apply` can change."""
    return tuple(name for name in plannable(policy) if _by_comment(policy.environment(name)))


def temporary(policy: RepoPolicy) -> tuple[EnvName, ...]:
    """Return the environments that are destroyed with their pull request or their run."""
    return tuple(name for name in plannable(policy) if not _fits(policy, name, Lifetime.PERMANENT))


def offered(specs: Sequence[CommandSpec], policy: RepoPolicy) -> Mapping[str, tuple[EnvName, ...]]:
    """Return command -> environments to offer, for commands that are for others than `/apply`."""
    return {spec.name: temporary(policy) for spec in specs if spec.lifetime is Lifetime.TEMPORARY}


def _by_comment(env: EnvironmentPolicy) -> bool:
    # The bot itself applies a temporary environment.
    return env.lifecycle == "permanent" and why_closed(env) is None


def choose(spec: CommandSpec, command: Command, request: Request) -> tuple[Stack, ...] | Refusal:
    """Return the stacks that the command is about, or why there are none."""
    if spec.stacks is StackChoice.NONE:
        return ()
    policy, trigger = request.loaded.policy, request.trigger
    refused = next((no for env in command.envs if (no := unknown_environment(env, spec, policy))), None)
    if refused is not None:
        return refused
    wanted = command.envs or plannable(policy)
    stacks = tuple(
        stack
        for stack in policy.stacks(trigger.repo.full_name, pull=trigger.pull.number)
        if stack.env in wanted and _fits(policy, stack.env, spec.lifetime)
    )
    if spec.stacks is StackChoice.ENVIRONMENTS:
        return stacks
    return _of_project(stacks, spec, command, policy)


def _of_project(
    stacks: tuple[Stack, ...], spec: CommandSpec, command: Command, policy: RepoPolicy
) -> tuple[Stack, ...] | Refusal:
    projects = [project.name for project in policy.projects]
    if command.project is not None and command.project not in projects:
        return unknown_project(command.project, projects)
    chosen = tuple(stack for stack in stacks if command.project in {None, stack.project})
    if not chosen and spec.lifetime is not Lifetime.ANY:
        return _wrong_lifetime(spec, command, policy)
    if spec.stacks is StackChoice.ONE and len(chosen) != 1:
        return _not_one(chosen, spec, command)
    return chosen


def unknown_environment(name: EnvName, spec: CommandSpec, policy: RepoPolicy) -> Refusal | None:
    """Return a refusal when the policy has no such environment, or when the bot does not run it."""
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
        next_command=f"/{spec.name} {near[0]}" if near else None,
    )


def unknown_project(name: ProjectName, projects: Sequence[str]) -> Refusal:
    """Return the refusal of a project that is not in the policy."""
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"There is no project `{name}`. The choices are {', '.join(f'`{project}`' for project in projects)}.",
    )


def _fits(policy: RepoPolicy, name: EnvName, lifetime: Lifetime) -> bool:
    if lifetime is Lifetime.ANY:
        return True
    return (policy.environment(name).lifecycle == "permanent") is (lifetime is Lifetime.PERMANENT)


def _wrong_lifetime(spec: CommandSpec, command: Command, policy: RepoPolicy) -> Refusal:
    """Return the refusal of environments of the wrong lifetime."""
    if spec.lifetime is Lifetime.PERMANENT:
        rest = f", and {command.env} lives only as long as its pull request" if command.env else ""
        return Refusal(
            reason=Reason.ENVIRONMENT,
            sentence=f"`/{spec.name}` is for permanent environments{rest}.",
            next_command="/status",
        )
    choices = temporary(policy)
    others = f" It is for {', '.join(choices)}." if choices else ""
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=f"`/{spec.name}` is for environments that live as long as their pull request, which {command.env} does not.{others}",
        next_command=f"/{spec.name} {choices[0]}" if choices else None,
    )


def _not_one(chosen: tuple[Stack, ...], spec: CommandSpec, command: Command) -> Refusal:
    projects = tuple(stack.project for stack in chosen)
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"{command.env} has several projects, each with a state of its own: name one.",
        next_command=render(replace(command, project=projects[0]), spec)
        if projects
        else f"/help {spec.name}",
        detail=tuple(f"`-p {project}`" for project in projects),
    )
