"""Approving pull requests in the approval tests, and reading what the bot answers."""

from __future__ import annotations

from bot.playground.github.records.model import Review
from tests.e2e.promotion.promoting import gate_line
from tests.e2e.world import ADMIN, OWNER, World, next_second

CODEOWNERS = ".github/CODEOWNERS"


async def approve(world: World, number: int, *, by: str = OWNER, **also: str) -> Review:
    """Approve in a second of its own, and wait until the bot has taken note."""
    await next_second()
    given = await world.github.review(world.repo, number, author=by, **{"state": "approved", **also})
    await world.idle()
    return given


async def own(world: World, text: str) -> None:
    """Put other code owners in force."""
    await world.github.push(world.repo, "main", {CODEOWNERS: text}, author=ADMIN)
    await world.idle()


async def shown(world: World, number: int) -> str:
    """Return the row of the gate in the plan comment of staging, and count everything as read."""
    await world.told(number)
    [comment] = [
        heard for heard in world.watch(number).comments() if heard.is_about(kind="plan", env="staging")
    ]
    return gate_line(comment.body, "codeowners", "staging")


async def refused(world: World, number: int, *says: str, command: str = "/apply staging") -> str:
    """Ask for the apply and hear that the gate is shut; nothing may have been applied."""
    await world.told(number)
    await world.comment(number, command)
    heard = await world.hear(number, kind="refusal", env="staging", reason="codeowners")
    await world.idle()
    assert world.runs(kind="apply") == []
    assert world.locks() == []
    body = heard.body.replace("&#8203;", "")
    for words in says:
        assert words in body, body
    return body
