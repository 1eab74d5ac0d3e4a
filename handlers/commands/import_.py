"""`/import ENV ADDRESS ID`."""

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
from bot.domain.commands.terraform_arguments import is_resource_address, shown
from bot.domain.core.model import OperationKind, Permission, StateOperation
from bot.domain.core.refusals import Reason, Refusal
from handlers import state_operations

SPEC = CommandSpec(
    name="import",
    usage="/import ENV ADDRESS ID [-p PROJECT]",
    summary="Plan to take an object that exists into an environment's state, and nothing else; `/apply ENV PLAN` does it.",
    who="people who may apply the environment",
    examples=(
        "/import staging aws_s3_bucket.logs acme-logs",
        '/import prod module.network.aws_subnet.private["a"] subnet-0a1b2c',
    ),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(label="ADDRESS", kind=ParameterKind.ADDRESS),
        Parameter(label="ID", kind=ParameterKind.ID),
    ),
    permission=Permission.WRITE,
    right=Right.APPLY,
    stacks=StackChoice.ONE,
    lifetime=Lifetime.PERMANENT,
    needs_open_pull=True,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan of the import; nothing is changed by it."""
    address = command.address or ""
    if not is_resource_address(address):
        return [
            Refusal(
                reason=Reason.USAGE,
                sentence=f"`{shown(address)}` is not the address of one resource that Terraform manages.",
                next_command=f"/help {SPEC.name}",
            )
        ]
    wanted = StateOperation(kind=OperationKind.IMPORT, address=address, object_id=command.object_id)
    return await state_operations.plan(wanted, request, bot)
