"""`/parity [ENV]`."""

from __future__ import annotations

from bot.comments.parity import parity_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission
from bot.domain.refusals import Reason, Refusal
from bot.services.parity_sides import Code
from handlers import common

SPEC = CommandSpec(
    name="parity",
    usage="/parity [ENV] [-p PROJECT]",
    summary="Compare twins: variables that are set (names only), versions of Terraform, providers and modules, resources.",
    who="anybody who can read the repository",
    examples=("/parity", "/parity staging"),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.READ,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Compare the pull request merged into its base, or the default branch where it is closed, and what was applied."""
    refused = common.lacks_permission(SPEC, request) or _nothing_to_compare(command, request)
    if refused is not None:
        return [refused]
    wish, policy = request.wish, request.loaded.policy
    code = await _code(request, bot)
    if command.envs or command.project or not wish.pull.is_open or not policy.asks_for_parity:
        view = await bot.parity.view(
            code, policy, pull=wish.pull.number, env=command.env, project=command.project
        )
    else:
        view = await bot.parity.show(code, policy, wish.pull)
    body = parity_comment(view, env=command.env, reference=wish.correlation_id)
    return [Said(kind="parity", body=body)]


async def _code(request: Request, bot: Bot) -> Code:
    wish, loaded = request.wish, request.loaded
    if wish.pull.is_open:
        tree, commit = await common.merged(wish, loaded, bot), wish.pull.head_sha
    else:
        tip = loaded.commit
        tree = await bot.trees.moved(wish.repo, wish.repo.default_branch, before=tip, after=tip)
        commit = tip
    return Code(repo=wish.repo, tree=tree, commit=commit)


def _nothing_to_compare(command: Command, request: Request) -> Refusal | None:
    policy, env = request.loaded.policy, command.env
    projects = [project.name for project in policy.projects]
    if command.project is not None and command.project not in projects:
        return common.unknown_project(command.project, projects)
    if env is not None and env not in policy.environments:
        return common.unknown_environment(env, request)
    twins = {name for pair in policy.twins for name in pair}
    if twins and env in {None, *twins}:
        return None
    sentence = (
        "No environment has a `twin` in gatewright.yaml, so there is nothing to compare."
        if env is None or not twins
        else f"{env} is nobody's `twin` in gatewright.yaml, so there is nothing to compare it with."
    )
    return Refusal(reason=Reason.ENVIRONMENT, sentence=sentence, next_command="/parity" if twins else None)
