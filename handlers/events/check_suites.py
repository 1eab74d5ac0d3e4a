"""GitHub's "Re-run all checks": the same as re-requesting each of ours."""

from __future__ import annotations

from bot.context import Bot
from bot.domain.core.model import Sha
from bot.events import Payload
from bot.ports import Delivery
from handlers.rerunning import renew, rerun


async def handle(delivery: Delivery, payload: Payload, bot: Bot) -> str:
    """Plan again on each pull request with this head, and renew all our checks of it."""
    suite, repository, sender = payload.check_suite, payload.repository, payload.sender
    if suite is None or repository is None or sender is None:
        return "not a check suite"
    head = Sha(suite.head_sha)
    async with bot.records.write() as writer:
        asked = await writer.renew_checks(repository.full_name, head)
        older = await writer.older_checks(repository.full_name, head)
    if not asked and not older:
        return "we have no check on this commit"
    done = []
    repo = await bot.github.known_repository(repository.full_name)
    for number in dict.fromkeys((*(written.pull for written in asked), *older)):
        ours = [written for written in asked if written.pull == number]
        if number is None:
            await renew(repo, ours, bot)
            continue
        repo, pull = await bot.github.subject(repository.full_name, number)
        if pull.is_open and pull.head_sha == head:
            names = {written.check.name for written in ours if written.check is not None}
            names |= older.get(number, frozenset())
            done += await rerun(
                delivery, bot, repo=repo, pull=pull, by=sender.account, names=names, asked=ours
            )
        else:
            await renew(repo, ours, bot)
    return f"run again: {', '.join(done) or 'nothing'}"
