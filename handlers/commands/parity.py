"""`/parity [ENV]`."""

from __future__ import annotations

from bot.comments.checks.parity import parity_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.core.model import Permission
from bot.domain.core.refusals import Reason, Refusal
from bot.services.parity.sides import Code
from handlers.autoplan import merged
from handlers.stack_choice import unknown_environment, unknown_project

SPEC = CommandSpec(
    name="parity",
    usage="/parity [ENV] [-p PROJECT]",
    summary="Compare twins: variables that are set (names only), versions of Terraform, providers and modules, resources.",
    who=Permission.READ.people,
    examples=("/parity", "/parity staging"),
    parameters=(Parameter(kind=ParameterKind.ENV, required=False),),
    permission=Permission.READ,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Compare twins in the merged code (the default branch's where closed) and as applied."""
    refused = _nothing_to_compare(command, request)
    if refused is not None:
        return [refused]
    trigger, policy = request.trigger, request.loaded.policy
    code = await _code(request, bot)
    if command.envs or command.project or not trigger.pull.is_open or not policy.asks_for_parity:
        view = await bot.parity.view(
            code, policy, pull=trigger.pull.number, env=command.env, project=command.project
        )
    else:
        view = await bot.parity.show(code, policy, trigger.pull)
    body = parity_comment(view, env=command.env, reference=trigger.correlation_id)
    return [Reply(body=body)]


async def _code(request: Request, bot: Bot) -> Code:
    trigger, loaded = request.trigger, request.loaded
    if trigger.pull.is_open:
        tree, commit = await merged(trigger, loaded, bot), trigger.pull.head_sha
    else:
        tip = loaded.commit
        tree = await bot.trees.moved(trigger.repo, trigger.repo.default_branch, before=tip, after=tip)
        commit = tip
    return Code(repo=trigger.repo, tree=tree, commit=commit)


def _nothing_to_compare(command: Command, request: Request) -> Refusal | None:
    policy, env = request.loaded.policy, command.env
    projects = [project.name for project in policy.projects]
    if command.project is not None and command.project not in projects:
        return unknown_project(command.project, projects)
    if env is not None and env not in policy.environments:
        return unknown_environment(env, SPEC, policy)
    twins = {name for pair in policy.twins for name in pair}
    if twins and env in {None, *twins}:
        return None
    sentence = (
        "No environment has a `twin` in gatewright.yaml, so there is nothing to compare."
        if env is None or not twins
        else f"{env} has no `twin` in gatewright.yaml, so there is nothing to compare it with."
    )
    return Refusal(reason=Reason.ENVIRONMENT, sentence=sentence, next_command="/parity" if twins else None)
