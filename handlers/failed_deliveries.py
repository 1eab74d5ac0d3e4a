"""Report deliveries that could not be handled, on their pull requests."""

from __future__ import annotations

from dataclasses import dataclass

from bot.comments.answers.error import failure_comment, given_up_comment
from bot.comments.markdown.escape import code
from bot.context import Bot
from bot.domain.commands.parser import parse
from bot.domain.core.model import DeliveryId
from bot.events import payload_of
from bot.ports import Delivery
from bot.services.runs.intake import is_report
from handlers import SPECS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a delivery requested, in words, and the command that repeats it."""

    what: str
    again: str | None
    comment_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDeliveries:
    """Writes the comments on deliveries that failed."""

    bot: Bot

    async def report(self, delivery_id: DeliveryId) -> None:
        """Post the failure once; silent where no person waits for an answer."""
        async with self.bot.records.read() as reader:
            delivery = await reader.delivery(delivery_id)
        if delivery is None or delivery.repo is None or delivery.pull is None:
            return
        if is_report(delivery.event, delivery.action) or not self.bot.admission.serves(delivery.repo):
            return
        asked = _asked(delivery)
        if asked is None or not await self._is_configured(delivery.repo):
            return
        repo = await self.bot.github.repository(delivery.repo)
        body = _body(delivery, asked)
        await self.bot.poster.once(
            repo, delivery.pull, f"failure:{delivery.id}", body, asked=asked.comment_id is not None
        )
        if asked.comment_id is not None:
            await self.bot.github.react(repo, asked.comment_id, "confused")

    async def _is_configured(self, full_name: str) -> bool:
        """Whether there is a policy, valid or not: without one the bot does not comment."""
        found = await self.bot.policies.look(await self.bot.github.known_repository(full_name))
        return not found.is_missing


def _body(delivery: Delivery, asked: _Asked) -> str:
    note = delivery.note or "nothing is known of why"
    if delivery.outcome != "given_up":
        return failure_comment(reference=delivery.id, message=note, next_command=asked.again)
    return given_up_comment(reference=delivery.id, what=asked.what, why=note, next_command=asked.again)


def _asked(delivery: Delivery) -> _Asked | None:
    """Return what the delivery requested, None for a comment that is no command."""
    match delivery.event:
        case "issue_comment":
            comment = payload_of(delivery.event, delivery.payload).comment
            understood = parse(comment.body or "", SPECS) if comment is not None else None
            if comment is None or understood is None:
                return None
            line = understood.line
            return _Asked(what=f"The comment {code(line)} arrived", again=line, comment_id=comment.id)
        case "check_run":
            return _Asked(what="The button of a check was pressed", again="/status")
        case "pull_request" if delivery.action == "closed":
            return _Asked(what="The pull request was closed", again=None)
        case "pull_request":
            return _Asked(what="The pull request was opened or changed", again="/plan")
        case _:
            return _Asked(what=f"GitHub sent {code(delivery.event)}", again=None)
