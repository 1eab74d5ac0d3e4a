"""A comment on a pull request: perhaps a command."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.commands import Problem, parse
from bot.domain.model import Login
from bot.events import Payload
from bot.ports import Delivery
from handlers import SPECS
from handlers.dispatch import Given, answer


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Parse, claim and dispatch."""
    comment, repository = payload.comment, payload.repository
    if comment is None or repository is None or delivery.pull is None:
        return "not a comment on a pull request"
    if comment.is_by_a_machine or comment.user is None:
        return "written by a machine"
    understood = parse(comment.body or "", SPECS)
    if understood is None:
        return "not a command"
    async with bot.records.write() as writer:
        if not await writer.claim_comment(repository.full_name, comment.id, delivery.id):
            return "the comment was handled by another delivery"
    repo, pull = await bot.github.subject(repository.full_name, delivery.pull)
    line = understood.line
    given = Given(
        repo=repo,
        pull=pull,
        actor=Login(comment.user.login),
        comment_id=comment.id,
        asked_at=comment.created_at,
        body=comment.body or "",
        line=line,
        correlation_id=delivery.id,
    )
    await answer(given, bot)
    return f"{'problem' if isinstance(understood, Problem) else 'command'}: {line}"
