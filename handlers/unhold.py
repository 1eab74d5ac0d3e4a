"""`/unhold ENV`."""

from __future__ import annotations

from bot.comments.confirmations import unheld_comment
from bot.context import Answer, Bot, Request, Said
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.holds import HoldCause
from bot.domain.model import EnvName, Permission
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="unhold",
    usage="/unhold ENV",
    summary="Lift the holds of an environment, those of reverts and of restored states too.",
    who="owners of the environment, the policy's `oncall` team and administrators",
    examples=("/unhold prod",),
    parameters=(Parameter(label="ENV", kind=ParameterKind.ENV, required=True, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Lift every hold that people or reverts have set on the environment; the operator's stop stays."""
    refused = common.lacks_permission(SPEC, request)
    env = command.env
    if refused is not None or env is None:
        return [refused] if refused is not None else []
    refused = common.unknown_environment(env, request) or await common.lacks_standing(env, request, bot)
    if refused is not None:
        return [refused]
    wish = request.wish
    async with bot.records.write() as writer:
        found = await writer.holds(repo=wish.repo.full_name, env=env)
        # The delivery tells this command from a later one: cut off and carried out again, it says what it did.
        why = f"/unhold on pull request {wish.pull.number}, delivery {wish.correlation_id}"
        lifted = await writer.lifted_holds(repo=wish.repo.full_name, env=env, why=why)
        for hold in (hold for hold in found if hold.cause is not HoldCause.STOP):
            await writer.lift_hold(hold.number, by=wish.actor, at=bot.clock.now(), why=why)
            lifted = [*lifted, hold]
    if not lifted:
        return [_not_held(env, stopped=len(found) > 0)]
    await bot.plan_comments.refresh_environment(wish.repo, env)
    body = unheld_comment(
        env=env, by=wish.actor, holds=lifted, is_open=wish.pull.is_open, reference=wish.correlation_id
    )
    return [Said(kind="status", body=body)]


def _not_held(env: EnvName, *, stopped: bool) -> Refusal:
    if stopped:
        return Refusal(
            reason=Reason.HOLD,
            sentence=f"{env} is not on hold by anybody here: the operator has stopped everything.",
            next_command="ask the operator for `gatewright go`",
        )
    return Refusal(reason=Reason.NOT_FOUND, sentence=f"{env} is not on hold.", next_command="/status")
