"""`/state restore ENV [SERIAL] [--confirm N]`."""

from __future__ import annotations

from bot.comments.restore import ProposalView, proposal_comment, versions_comment
from bot.context import Answer, Bot, Request, Said, Started
from bot.domain.commands import Command, CommandSpec, Parameter, ParameterKind
from bot.domain.model import Permission, Stack
from bot.domain.refusals import Reason, Refusal
from bot.services.restore_proposals import Proposal, restore_command
from handlers import common

SPEC = CommandSpec(
    name="state restore",
    usage="/state restore ENV [SERIAL] [--confirm N] [-p PROJECT]",
    summary=(
        "Break-glass for a corrupted state: show its snapshots, what restoring one would make Terraform forget and"
        " believe, and with that count confirmed restore it."
    ),
    who="anybody with write access looks; only an administrator confirms",
    examples=("/state restore prod", "/state restore prod 41", "/state restore prod 41 --confirm 3"),
    parameters=(
        Parameter(kind=ParameterKind.ENV),
        Parameter(kind=ParameterKind.SERIAL, required=False),
        Parameter(kind=ParameterKind.COUNT, required=False, option="--confirm"),
    ),
    needs=Permission.WRITE,
)


async def handle(command: Command, request: Request, bot: Bot) -> list[Answer]:
    """Show what it would bring about, or queue it; it works on closed pull requests too."""
    refused = common.lacks_permission(SPEC, request)
    stack = _meant(command, request) if refused is None else refused
    if isinstance(stack, Refusal):
        return [stack]
    if command.count is not None and await bot.restoring.is_repeated(request.wish):
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
    if not request.held.allows(Permission.ADMIN):
        return [_for_administrators(request)]
    if count != proposal.comparison.count:
        return [_not_confirmed(count, proposal), await _shown(proposal, request, bot)]
    refused = await bot.restoring.request(request.wish, proposal)
    return [refused] if refused is not None else [Started(runs=1)]


def _meant(command: Command, request: Request) -> Stack | Refusal:
    """Return the one stack that is meant: a state is restored by itself, and never several at once."""
    chosen = common.choose_stacks(command, request)
    if isinstance(chosen, Refusal):
        return chosen
    if len(chosen) == 1:
        return chosen[0]
    return Refusal(
        reason=Reason.PROJECT,
        sentence=f"{command.env} has several projects, and each has a state of its own: name one.",
        next_command=f"/state restore {command.env} -p {chosen[0].project}",
        detail=tuple(f"`-p {stack.project}`" for stack in chosen),
    )


async def _listed(stack: Stack, request: Request, bot: Bot) -> Said:
    versions = await bot.restoring.proposals.versions(stack)
    body = versions_comment(stack, versions, reference=request.wish.correlation_id)
    return Said(kind="restore", body=body)


async def _shown(proposal: Proposal, request: Request, bot: Bot) -> Said:
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
        rescues=await bot.rescues.waiting((proposal.stack,)),
        reference=request.wish.correlation_id,
    )
    return Said(kind="restore", body=proposal_comment(view))


def _for_administrators(request: Request) -> Refusal:
    return Refusal(
        reason=Reason.PERMISSION,
        sentence=(
            "A state is restored by an administrator of"
            f" {request.wish.repo.full_name}; without `--confirm` everybody with write access may look."
        ),
    )


def _not_confirmed(count: int, proposal: Proposal) -> Refusal:
    serial, found = proposal.source.identity.serial, proposal.comparison.count
    return Refusal(
        reason=Reason.UNCONFIRMED,
        sentence=f"Restoring serial {serial} would bring about {found}, and {count} was confirmed. Read the list below.",
        next_command=restore_command(proposal.stack, serial, confirm=found),
    )
