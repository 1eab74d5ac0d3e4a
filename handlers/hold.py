"""`/hold ENV REASON`."""

from __future__ import annotations

from bot.comments.confirmations import held_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.holds import Hold, HoldCause
from bot.domain.model import EnvName, Permission
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="hold",
    usage="/hold ENV REASON",
    summary="Stop every apply of an environment, in all pull requests, until `/unhold`.",
    who="owners of the environment, the policy's `oncall` team and administrators",
    examples=("/hold prod the database is being moved",),
    parameters=(
        Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),
        Parameter(label="REASON", kind=ParameterKind.TEXT, required=True, repeated=False),
    ),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Set the hold; applies that have begun go on."""
    refused = common.lacks_permission(SPEC, request)
    env = command.env
    if refused is not None or env is None:
        return [refused] if refused is not None else []
    refused = common.unknown_environment(env, request) or await common.lacks_standing(env, request, bot)
    if refused is not None:
        return [refused]
    wish = request.wish
    hold = Hold(
        repo=wish.repo.full_name,
        env=env,
        cause=HoldCause.COMMAND,
        reason=command.text,
        by=wish.actor,
        since=bot.clock.now(),
        pull=wish.pull.number,
    )
    async with bot.records.write() as writer:
        standing = [
            each
            for each in await writer.holds(repo=wish.repo.full_name, env=env)
            if each.cause is HoldCause.COMMAND
        ]
        if standing and not _same(standing[0], hold):
            return [_held_already(standing[0], env)]
        if not standing:
            await writer.add_hold(hold)
    await bot.plan_comments.refresh_environment(wish.repo, env)
    body = held_comment(env=env, by=wish.actor, reason=command.text, reference=wish.correlation_id)
    return [Said(kind="status", body=body)]


def _same(one: Hold, other: Hold) -> bool:
    """Whether it is this very command, repeated after a crash."""
    return (one.by, one.reason, one.pull) == (other.by, other.reason, other.pull)


def _held_already(hold: Hold, env: EnvName) -> Refusal:
    return Refusal(
        reason=Reason.HOLD,
        sentence=f"{env} is on hold already, by {hold.by} since {hold.since:%Y-%m-%d %H:%M} UTC: {hold.reason}",
        next_command=f"/unhold {env}",
    )
