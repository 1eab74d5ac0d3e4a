"""A button on one of our check runs, or GitHub's re-run link: the same as a comment of who pressed it."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.model import Login
from bot.events import Payload
from bot.ports import Delivery
from bot.services.parity import CHECK as PARITY
from bot.services.policy_checks import CHECK as POLICY
from handlers.dispatch import Given, answer

_OURS = "gatewright/"


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Translate the button into the command that it stands for, and dispatch it."""
    check, repository, sender = payload.check_run, payload.repository, payload.sender
    if check is None or repository is None or sender is None or not check.name.startswith(_OURS):
        return "not one of our checks"
    # What follows the number tells checks of one name apart.
    number, _, _ = (check.external_id or "").partition(":")
    if not number.isascii() or not number.isdigit():
        return "the check belongs to no pull request"
    line = _line(payload, check.name)
    if line is None and check.name != POLICY:
        return "an unknown button"
    repo, pull = await bot.github.subject(repository.full_name, int(number))
    if pull.head_sha != check.head_sha:
        return "the button is of an older commit"
    if line is None:
        await bot.policy_checks.look(repo, pull, await bot.policies.look(repo))
        return "the policy is validated again"
    given = Given(
        repo=repo,
        pull=pull,
        actor=Login(sender.login),
        comment_id=None,
        asked_at=delivery.received_at,
        body=line,
        line=line,
        correlation_id=delivery.id,
    )
    await answer(given, bot)
    return f"button: {line}"


def _line(payload: Payload, check: str) -> str | None:
    if check == POLICY:
        return None  # It stands for no command, and is there even where commands are not answered.
    if payload.action == "rerequested":
        return "/parity" if check == PARITY else "/plan"
    identifier = payload.requested_action.identifier if payload.requested_action else ""
    if identifier in {"plan", "parity"}:
        return f"/{identifier}"
    if identifier.startswith("apply:"):
        return f"/apply {identifier.removeprefix('apply:')}"
    return None
