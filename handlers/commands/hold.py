"""`/hold ENV REASON`."""

from __future__ import annotations

from bot.comments.answers.confirmations import held_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, Right, StackChoice
from bot.domain.core.model import EnvName, Permission
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates.freezes import Hold, HoldCause

SPEC = CommandSpec(
    name="hold",
    usage="/hold ENV REASON",
    summary="Stop every apply of an environment, in all pull requests, until `/unhold`.",
    who="owners of the environment, the policy's `oncall` team and administrators",
    examples=("/hold prod the database is being moved",),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(label="REASON", kind=ParameterKind.TEXT),
    ),
    permission=Permission.WRITE,
    right=Right.STOP,
    stacks=StackChoice.ENVIRONMENTS,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Freeze the environment; applies that have started continue."""
    env = command.env
    if env is None:
        return []
    trigger = request.trigger
    hold = Hold(
        repo=trigger.repo.full_name,
        env=env,
        cause=HoldCause.COMMAND,
        reason=command.text,
        by=trigger.actor,
        since=bot.clock.now(),
        pull=trigger.pull.number,
    )
    async with bot.records.write() as writer:
        standing = [
            each
            for each in await writer.holds(repo=trigger.repo.full_name, env=env)
            if each.cause is HoldCause.COMMAND
        ]
        # The same command again is its repetition after a crash.
        if standing and not _same(standing[0], hold):
            return [_held_already(standing[0], env)]
        if not standing:
            await writer.add_hold(hold)
    await bot.plan_comments.refresh_environment(trigger.repo, env)
    body = held_comment(env=env, by=trigger.actor, reason=command.text, reference=trigger.correlation_id)
    return [Reply(body=body)]


def _same(one: Hold, other: Hold) -> bool:
    """Whether it is this very command, repeated after a crash."""
    return one.by.is_same(other.by) and (one.reason, one.pull) == (other.reason, other.pull)


def _held_already(hold: Hold, env: EnvName) -> Refusal:
    return Refusal(
        reason=Reason.HOLD,
        sentence=f"{env} is on hold already, by {hold.by} since {hold.since:%Y-%m-%d %H:%M} UTC: {hold.reason}",
        next_command=f"/unhold {env}",
    )
