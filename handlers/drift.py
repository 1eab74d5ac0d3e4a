"""`/drift [ENV]`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, Run, Stack
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="drift",
    usage="/drift [ENV] [-p PROJECT]",
    summary="Look for changes made outside Terraform, in every permanent environment or in one; nothing is changed.",
    who="anybody with write access",
    examples=("/drift", "/drift prod"),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue a check of each stack that is meant."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    policy = request.loaded.policy
    lasting = [stack for stack in chosen if policy.environment(stack.env).lifecycle == "permanent"]
    if not lasting:
        return [
            Refusal(
                reason=Reason.ENVIRONMENT,
                sentence="Only permanent environments are looked at: the others come and go with pull requests.",
            )
        ]
    answers: list[Answer] = []
    for stack in lasting:
        other = await bot.drifting.request(request.wish, stack)
        answers.append(Started(runs=1) if other is None else _runs_already(stack, other))
    return answers


def _runs_already(stack: Stack, other: Run) -> Refusal:
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"{stack.label} is being looked at already, by run `{other.id}`; its result is told in the stack's issue.",
        next_command="/status",
    )
