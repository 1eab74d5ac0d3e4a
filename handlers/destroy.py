"""`/destroy ENV`."""

from __future__ import annotations

from bot.comments.tenancy import destroying_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import EnvName, Permission
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="destroy",
    usage="/destroy ENV [-p PROJECT]",
    summary="Destroy the environment that this pull request has for itself, and hand it to the next in line.",
    who="whoever may apply it; only environments whose `lifecycle` is not `permanent`",
    examples=("/destroy test",),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the destroys; it works on closed pull requests too."""
    refused = common.lacks_permission(SPEC, request)
    chosen = common.choose_stacks(command, request) if refused is None else refused
    if isinstance(chosen, Refusal):
        return [chosen]
    wish, policy = request.wish, request.loaded.policy
    env = policy.environment(chosen[0].env)
    if env.lifecycle == "permanent":
        return [_permanent(env.name, request)]
    if not await bot.access.may_apply(wish.repo, env, wish.actor):
        words = env.apply.allow_words
        return [Refusal(reason=Reason.PERMISSION, sentence=f"Destroying {env.name} needs {words}.")]
    leaving = await bot.tenancy.leave(
        wish.repo,
        wish.pull.number,
        policy,
        by=wish.actor,
        cause=wish.correlation_id,
        comment_id=wish.comment_id,
        only=chosen,
    )
    if not leaving:
        return [
            Refusal(
                reason=Reason.NOT_FOUND,
                sentence=f"This pull request does not hold {env.name}, so there is nothing of it to destroy.",
                next_command="/status",
            )
        ]
    body = destroying_comment(stacks=leaving, by=wish.actor, reference=wish.correlation_id)
    return [Said(kind="destroy", body=body)]


def _permanent(name: EnvName, request: Request) -> Refusal:
    choices = common.passing(request.loaded.policy)
    offered = f" It is for {', '.join(choices)}." if choices else ""
    return Refusal(
        reason=Reason.ENVIRONMENT,
        sentence=f"`/destroy` is for environments that live as long as their pull request, which {name} does not.{offered}",
        next_command=f"/destroy {choices[0]}" if choices else None,
    )
