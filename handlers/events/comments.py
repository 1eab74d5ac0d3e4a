"""A comment on a pull request: perhaps a command."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.commands.parser import Problem, parse
from bot.events import Payload
from bot.ports import Delivery, Writer
from bot.services.reporting.posting import written_key
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
    async with bot.records.write() as writer:
        await _note_written(writer, repository.full_name, delivery.pull, comment.id)
        if understood is None:
            return "not a command"
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


async def _note_written(writer: Writer, repo: str, pull: int, comment: int) -> None:
    """Record the newest comment of a person, below which plans of new commits are posted."""
    key = written_key(pull)
    if comment > (await writer.remote_id(repo, key) or 0):
        await writer.set_remote_id(repo, key, comment)
