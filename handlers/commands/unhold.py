"""`/unhold ENV`."""

from __future__ import annotations

from bot.comments.answers.confirmations import unheld_comment
from bot.context import Answer, Bot, Reply, Request
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, Right, StackChoice
from bot.domain.core.model import EnvName, Permission
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.gates.freezes import HoldCause

SPEC = CommandSpec(
    name="unhold",
    usage="/unhold ENV",
    summary="Lift the holds of an environment, those of reverts and of restored states too.",
    who="owners of the environment, the policy's `oncall` team and administrators",
    examples=("/unhold prod",),
    parameters=(Parameter(kind=ParameterKind.ENV),),
    permission=Permission.WRITE,
    right=Right.STOP,
    stacks=StackChoice.ENVIRONMENTS,
    runs_pull_code=False,
    touches_state=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Lift every freeze of the environment except the operator's stop."""
    env = command.env
    if env is None:
        return []
    trigger = request.trigger
    async with bot.records.write() as writer:
        found = await writer.holds(repo=trigger.repo.full_name, env=env)
        # The delivery identifies this command, so that its repetition after a crash reports the same freezes.
        why = f"/unhold on pull request {trigger.pull.number}, delivery {trigger.correlation_id}"
        lifted = await writer.lifted_holds(repo=trigger.repo.full_name, env=env, why=why)
        for hold in (hold for hold in found if hold.cause is not HoldCause.STOP):
            await writer.lift_hold(hold.number, by=trigger.actor, at=bot.clock.now(), why=why)
            lifted = [*lifted, hold]
    if not lifted:
        return [_not_held(env, stopped=len(found) > 0)]
    await bot.plan_comments.refresh_environment(trigger.repo, env)
    body = unheld_comment(
        env=env,
        by=trigger.actor,
        holds=lifted,
        is_open=trigger.pull.is_open,
        reference=trigger.correlation_id,
    )
    return [Reply(body=body)]


def _not_held(env: EnvName, *, stopped: bool) -> Refusal:
    if stopped:
        return Refusal(
            reason=Reason.HOLD,
            sentence=f"{env} has no hold of its own: the operator has stopped everything.",
            next_command="ask the operator for `gatewright go`",
        )
    return Refusal(reason=Reason.NOT_FOUND, sentence=f"{env} is not on hold.", next_command="/status")
