"""A comment on a pull request: perhaps a command."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.commands.parser import Problem, parse
from bot.events import Payload
from bot.ports import Delivery
from handlers import SPECS
from handlers.dispatch import IncomingCommand, answer

BY_A_MACHINE = "written by a machine"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Parse, claim and dispatch."""
    comment, repository = payload.comment, payload.repository
    if comment is None or repository is None or delivery.pull is None:
        return "not a comment on a pull request"
    if comment.is_by_a_machine or comment.user is None:
        return BY_A_MACHINE
    understood = parse(comment.body or "", SPECS)
    if understood is None:
        return "not a command"
    async with bot.records.write() as writer:
        if not await writer.claim_comment(repository.full_name, comment.id, delivery.id):
            return "the comment was handled by another delivery"
    repo, pull = await bot.github.subject(repository.full_name, delivery.pull)
    line = understood.line
    given = IncomingCommand(
        repo=repo,
        pull=pull,
        actor=comment.user.account,
        comment_id=comment.id,
        asked_at=comment.created_at,
        body=comment.body or "",
        line=line,
        correlation_id=delivery.id,
    )
    await answer(given, bot)
    return f"{'problem' if isinstance(understood, Problem) else 'command'}: {line}"
