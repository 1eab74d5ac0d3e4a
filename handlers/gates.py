"""`/gates [ENV]`."""

from __future__ import annotations

from bot.comments.gates import GatesRow, gates_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, Stack
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="gates",
    usage="/gates [ENV] [-p PROJECT]",
    summary="Show every gate of the newest plans, and who or which command opens those that are shut.",
    who="anybody who can read the repository; the answer is about whoever asks",
    examples=("/gates", "/gates prod"),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=False, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.READ,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Judge now; nothing is remembered, and nothing is started."""
    refused = common.lacks_permission(SPEC, request)
    if refused is not None:
        return [refused]
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return [chosen]
    rows = [await _row(stack, request, bot) for stack in chosen]
    named = bool(command.envs or command.project)
    shown = rows if named else [row for row in rows if row.plan is not None]
    if not shown:
        return [
            Refusal(
                reason=Reason.NO_PLAN,
                sentence="Nothing was planned on this pull request yet, so there is nothing to judge.",
                next_command="/plan",
            )
        ]
    wish = request.wish
    body = gates_comment(shown, actor=wish.actor, head=wish.pull.head_sha, reference=wish.correlation_id)
    return [Said(kind="gates", body=body)]


async def _row(stack: Stack, request: Request, bot: Bot) -> GatesRow:
    wish = request.wish
    async with bot.records.read() as reader:
        plans = await reader.plans(repo=wish.repo.full_name, pull=wish.pull.number, stack=stack, limit=1)
    if not plans:
        return GatesRow(stack=stack, plan=None)
    results = await bot.judging.judge(wish.repo, wish.pull, request.loaded, plans[0], wish.actor)
    return GatesRow(stack=stack, plan=plans[0], results=results)
