"""`/state restore ENV [SERIAL] [--confirm N]`."""

from __future__ import annotations

from bot.comments.runs.restore import ProposalView, proposal_comment, versions_comment
from bot.context import Answer, Bot, Reply, Request, Started
from bot.domain.commands.parser import Command, CommandSpec, Parameter, ParameterKind, StackChoice
from bot.domain.core.model import Permission, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.services.state_restore.proposals import Proposal, restore_command

SPEC = CommandSpec(
    name="state restore",
    usage="/state restore ENV [SERIAL] [--confirm N] [-p PROJECT]",
    summary=(
        "Break-glass for a corrupted state: show its snapshots, what restoring one would make Terraform forget and"
        " believe, and with that count confirmed restore it."
    ),
    who="people with write access look; only an administrator confirms",
    examples=("/state restore prod", "/state restore prod 41", "/state restore prod 41 --confirm 3"),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(kind=ParameterKind.SERIAL, required=False),
        Parameter(kind=ParameterKind.COUNT, required=False, option="--confirm"),
    ),
    permission=Permission.WRITE,
    stacks=StackChoice.ONE,
    runs_pull_code=False,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Show the result of a restore, or queue it; also on closed pull requests."""
    [stack] = request.stacks
    if command.count is not None and await bot.restoring.is_repeated(request.trigger):
        return [Started(runs=1)]
    if command.serial is None:
        return [await _listed(stack, request, bot)]
    proposal = await bot.restoring.look(stack, command.serial)
    if isinstance(proposal, Refusal):
        return [proposal]
    if command.count is None:
        return [await _shown(proposal, request, bot)]
    return await _confirmed(command.count, proposal, request, bot)


async def _confirmed(count: int, proposal: Proposal, request: Request, bot: Bot) -> list[Answer]:
    if not request.permission.allows(Permission.ADMIN):
        return [_for_administrators(request)]
    if count != proposal.comparison.count:
        return [_not_confirmed(count, proposal), await _shown(proposal, request, bot)]
    refused = await bot.restoring.request(request.trigger, proposal)
    return [refused] if refused is not None else [Started(runs=1)]


async def _listed(stack: Stack, request: Request, bot: Bot) -> Reply:
    versions = await bot.restoring.proposals.versions(stack)
    body = versions_comment(stack, versions, reference=request.trigger.correlation_id)
    return Reply(body=body)


async def _shown(proposal: Proposal, request: Request, bot: Bot) -> Reply:
    view = ProposalView(
        stack=proposal.stack,
        source=proposal.source,
        serial=proposal.serial,
        found=proposal.found,
        believed=proposal.believed,
        current_serial=proposal.current_serial,
        comparison=proposal.comparison,
        command=restore_command(
            proposal.stack, proposal.source.identity.serial, confirm=proposal.comparison.count
        ),
        errored_states=await bot.errored_states.unrecovered((proposal.stack,)),
        reference=request.trigger.correlation_id,
    )
    return Reply(body=proposal_comment(view))


def _for_administrators(request: Request) -> Refusal:
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=(
            "A state is restored by an administrator of"
            f" {request.trigger.repo.full_name}; without `--confirm` everybody with write access may look."
        ),
    )


def _not_confirmed(count: int, proposal: Proposal) -> Refusal:
    serial, found = proposal.source.identity.serial, proposal.comparison.count
    return Refusal(
        reason=Reason.UNCONFIRMED,
        sentence=f"Restoring serial {serial} would cause {found}, and {count} was confirmed. Read the list below.",
        next_command=restore_command(proposal.stack, serial, confirm=found),
    )
