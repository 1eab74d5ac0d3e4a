"""`/rerun RUN`."""

from __future__ import annotations

from bot.comments.markdown.words import command as command_for
from bot.context import Answer, Bot, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, Right
from bot.domain.core.model import Permission, Run, RunId, RunKind
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_kinds import REPEATABLE
from bot.domain.core.run_lifecycle import TERMINAL
from handlers.preconditions import lacks_right, not_theirs

SPEC = CommandSpec(
    name="rerun",
    usage="/rerun RUN",
    summary="Make an ended plan again, with the same arguments, on what is there now; or copy data again.",
    who="the run's requester, owners of its environment and administrators; data: owners, administrators, on call",
    examples=("/rerun rab3cdefg9hjkmnp",),
    parameters=(Parameter(label="RUN", kind=ParameterKind.RUN),),
    permission=Permission.WRITE,
    needs_open_pull=True,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Queue the plan again; changes are never repeated."""
    if command.run is None:
        return []
    trigger = request.trigger
    async with bot.records.read() as reader:
        run = await reader.run(command.run)
        goes_back = await reader.revert(command.run) is not None
    if run is not None and run.kind is RunKind.DATA_REFRESH and run.stack.repo == trigger.repo.full_name:
        return [await _copied_again(run, request, bot)]
    if run is None or (run.stack.repo, run.pull) != (trigger.repo.full_name, trigger.pull.number):
        return [_missing(command.run)]
    refused = await not_theirs(run, request, bot) or _not_again(run)
    if refused is not None:
        return [refused]
    if goes_back:
        return [_goes_back(run)]
    runs = await bot.run_requests.plans(trigger, (run.stack,), run.arguments, operation=run.operation)
    return [Started(runs=len(runs))]


async def _copied_again(run: Run, request: Request, bot: Bot) -> Answer:
    """Queue a data refresh again; it belongs to no pull request."""
    env = run.stack.env
    if request.loaded.policy.refresh_of(env) is None:
        return Refusal(
            reason=Reason.ENVIRONMENT, sentence=f"The policy has no data refresh of {env} any more."
        )
    refused = await lacks_right(Right.STOP, env, request, bot)
    if refused is not None:
        return refused
    obstacle = await bot.refresh_turns.request(request.trigger, request.loaded, env)
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
        sentence=f"Run {run.id} planned a revert; its release is chosen again each time.",
        next_command=f"/revert {run.stack.env}",
    )


def _not_again(run: Run) -> Refusal | None:
    if run.status not in TERMINAL:
        return Refusal(
            reason=Reason.ALREADY_RUNNING,
            sentence=f"Run {run.id} has not ended yet: {run.status}.",
            next_command="/status",
        )
    if run.kind not in REPEATABLE:
        return Refusal(
            reason=Reason.ALREADY_APPLIED,
            sentence=f"Run {run.id} is of kind `{run.kind}`; only plans and data refreshes can be run again.",
            next_command=command_for("plan", run.stack),
        )
    return None
