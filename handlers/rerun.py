"""`/rerun RUN`."""

from __future__ import annotations

from bot.context import Answer, Bot, Request, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Permission, Run, RunId, RunKind
from bot.domain.refusals import Reason, Refusal
from handlers import common

SPEC = CommandSpec(
    name="rerun",
    usage="/rerun RUN",
    summary="Make an ended plan again, with the same arguments, on what is there now; or copy data again.",
    who="who asked for the run, owners of its environment and administrators; data: owners, administrators, on call",
    examples=("/rerun rab3cdefg9hjkmnp",),
    parameters=(Parameter(label="RUN", kind=ParameterKind.RUN, required=True, repeated=False),),
    accepts_terraform_arguments=False,
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan again; a change is never repeated by itself."""
    refused = common.closed(request) or common.lacks_permission(SPEC, request)
    if refused is not None or command.run is None:
        return [refused] if refused is not None else []
    wish = request.wish
    async with bot.records.read() as reader:
        run = await reader.run(command.run)
        goes_back = await reader.revert(command.run) is not None
    if run is not None and run.kind is RunKind.DATA_REFRESH and run.stack.repo == wish.repo.full_name:
        return [await _copied_again(run, request, bot)]
    if run is None or (run.stack.repo, run.pull) != (wish.repo.full_name, wish.pull.number):
        return [_missing(command.run)]
    refused = await common.not_theirs(run, request, bot) or _not_again(run)
    if refused is not None:
        return [refused]
    if goes_back:
        return [_goes_back(run)]
    runs = await bot.requesting.plans(wish, (run.stack,), run.arguments, operation=run.operation)
    return [Started(runs=len(runs))]


async def _copied_again(run: Run, request: Request, bot: Bot) -> Answer:
    """A refresh belongs to no pull request, so it may be asked for on any."""
    env = run.stack.env
    if request.loaded.policy.refresh_of(env) is None:
        return Refusal(
            reason=Reason.ENVIRONMENT, sentence=f"The policy asks for no refresh of {env} any more."
        )
    refused = await common.lacks_standing(env, request, bot)
    if refused is not None:
        return refused
    obstacle = await bot.refresh_turns.request(request.wish, request.loaded, env)
    if obstacle is None:
        return Started(runs=1)
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"Nothing can be copied now: {obstacle}.",
        next_command="/status",
    )


def _missing(run_id: RunId) -> Refusal:
    return Refusal(
        reason=Reason.NOT_FOUND,
        sentence=f"There is no run {run_id} on this pull request.",
        next_command="/status",
    )


def _goes_back(run: Run) -> Refusal:
    return Refusal(
        reason=Reason.NOT_YET,
        sentence=f"Run {run.id} planned a revert; where that leads is asked anew each time.",
        next_command=f"/revert {run.stack.env}",
    )


def _not_again(run: Run) -> Refusal | None:
    if run.status not in TERMINAL:
        return Refusal(
            reason=Reason.ALREADY_RUNNING,
            sentence=f"Run {run.id} has not ended yet: {run.status}.",
            next_command="/status",
        )
    if run.kind is not RunKind.PLAN:
        return Refusal(
            reason=Reason.ALREADY_APPLIED,
            sentence=f"Run {run.id} is an {run.kind}; what changes a state is never repeated as it was. Plan it anew.",
            next_command=common.plan_command(run.stack.env, run.stack.project),
        )
    return None
