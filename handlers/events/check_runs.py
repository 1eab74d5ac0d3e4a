"""Dispatch the buttons of our check runs, and GitHub's re-run link, as commands."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.core.model import Sha
from bot.events import Payload
from bot.ports import Delivery
from handlers.dispatch import IncomingCommand, answer
from handlers.rerunning import renew, rerun

_OURS = "gatewright/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Translate a button into its command, and dispatch it."""
    check, repository, sender = payload.check_run, payload.repository, payload.sender
    if check is None or repository is None or sender is None or not check.name.startswith(_OURS):
        return "not one of our checks"
    if payload.action == "rerequested":
        return await _rerun(delivery, payload, bot)
    number = _number(check.external_id)
    if number is None:
        return "the check belongs to no pull request"
    line = _line(payload)
    if line is None:
        return "an unknown button"
    repo, pull = await bot.github.subject(repository.full_name, number)
    if pull.head_sha != check.head_sha:
        return "the button is of an older commit"
    given = IncomingCommand(
        repo=repo,
        pull=pull,
        actor=sender.account,
        comment_id=None,
        asked_at=delivery.received_at,
        body=line,
        line=line,
        correlation_id=delivery.id,
    )
    await answer(given, bot)
    return f"button: {line}"


async def _rerun(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Make a new check run of the name, for which GitHub waits after a re-run."""
    check, repository, sender = payload.check_run, payload.repository, payload.sender
    if check is None or repository is None or sender is None:
        return "not one of our checks"
    head = Sha(check.head_sha)
    async with bot.records.write() as writer:
        asked = await writer.renew_checks(repository.full_name, head, name=check.name)
    # Of one commit that several pull requests have, the one whose check run was chosen is meant.
    number = _number(check.external_id)
    meant = [written for written in asked if written.pull == number] or list(asked)
    number = meant[0].pull if meant else number
    if number is None:
        await renew(await bot.github.known_repository(repository.full_name), meant, bot)
        return "shown again" if meant else "the check belongs to no pull request"
    repo, pull = await bot.github.subject(repository.full_name, number)
    if not pull.is_open or pull.head_sha != head:
        await renew(repo, meant, bot)
        return "the check is of an older commit"
    done = await rerun(
        delivery, bot, repo=repo, pull=pull, by=sender.account, names={check.name}, asked=meant
    )
    return f"run again: {', '.join(done)}"


def _number(external_id: str | None) -> int | None:
    """Return the pull request in a check run's external id, which precedes a colon."""
    number, _, _ = (external_id or "").partition(":")
    return int(number) if number.isascii() and number.isdigit() else None


def _line(payload: Payload) -> str | None:
    identifier = payload.requested_action.identifier if payload.requested_action else ""
    if identifier in {"plan", "parity"}:
        return f"/{identifier}"
    if identifier.startswith("apply:"):
        return f"/apply {identifier.removeprefix('apply:')}"
    return None
