"""`/state rm ENV ADDRESS`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request
from bot.domain.commands.parser import (
    Command,
    CommandSpec,
    Lifetime,
    Parameter,
    ParameterKind,
    Right,
    StackChoice,
)
from bot.domain.commands.terraform_arguments import is_managed_address, shown
from bot.domain.core.model import OperationKind, Permission, StateOperation
from bot.domain.core.refusals import Reason, Refusal
from handlers import state_operations

SPEC = CommandSpec(
    name="state rm",
    usage="/state rm ENV ADDRESS [-p PROJECT]",
    summary="Plan to take a resource or module out of an environment's state without destroying it, and nothing else; `/apply ENV PLAN` does it.",
    who="people who may apply the environment",
    examples=(
        "/state rm staging aws_s3_bucket.logs",
        '/state rm prod aws_instance.web["b"]',
        "/state rm prod module.legacy",
    ),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(label="ADDRESS", kind=ParameterKind.ADDRESS),
    ),
    permission=Permission.WRITE,
    right=Right.APPLY,
    stacks=StackChoice.ONE,
    lifetime=Lifetime.PERMANENT,
    needs_open_pull=True,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan of letting go; nothing is changed by it."""
    address = command.address or ""
    if not is_managed_address(address):
        return [
            Refusal(
                reason=Reason.USAGE,
                sentence=f"`{shown(address)}` is not the address of a resource that Terraform manages, or of a module.",
                next_command=f"/help {SPEC.name}",
            )
        ]
    wanted = StateOperation(kind=OperationKind.FORGET, address=address)
    return await state_operations.plan(wanted, request, bot)
