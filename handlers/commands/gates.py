"""`/gates [ENV]`."""

from __future__ import annotations

from bot.comments.gates.gates import GatesRow, gates_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal

SPEC = CommandSpec(
    name="gates",
    usage="/gates [ENV] [-p PROJECT]",
    summary="Show every gate of the newest plans, and who or which command opens those that are shut.",
    who="people who can read the repository; the answer is about the person who asks",
    examples=("/gates", "/gates prod"),
    parameters=(Parameter(kind=ParameterKind.ENV, required=False),),
    permission=Permission.READ,
    stacks=StackChoice.EVERY,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Judge now; nothing is remembered, and nothing is started."""
    rows = [await _row(stack, request, bot) for stack in request.stacks]
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
    trigger = request.trigger
    body = gates_comment(
        shown, actor=trigger.actor, head=trigger.pull.head_sha, reference=trigger.correlation_id
    )
    return [Reply(body=body)]


async def _row(stack: Stack, request: Request, bot: Bot) -> GatesRow:
    trigger = request.trigger
    async with bot.records.read() as reader:
        plans = await reader.plans(
            repo=trigger.repo.full_name, pull=trigger.pull.number, stack=stack, limit=1
        )
    if not plans:
        return GatesRow(stack=stack, plan=None)
    results = await bot.judging.judge(
        trigger.repo, trigger.pull, request.loaded, plans[0], trigger.actor, held=request.permission
    )
    return GatesRow(stack=stack, plan=plans[0], results=results)
