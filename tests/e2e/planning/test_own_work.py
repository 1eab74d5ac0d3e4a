"""The bot's own work per act, in SQL statements and requests of GitHub."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bot.playground.stack import Playground
from tests.bench.acts import until_idle
from tests.bench.calls import is_api, kind
from tests.bench.tally import Tally
from tests.e2e.world import SETTINGS, World, fresh_world, running

_MOST_STATEMENTS = 205
"""For a warm `/plan`: what was reached, and a tenth."""
_REQUESTS = 12


async def test_a_plan_needs_few_statements_and_requests(tmp_path: Path) -> None:
    # Given a bot that counts its statements, and a planned pull request,
    async with (
        running(Playground(directory=tmp_path, extra=SETTINGS)) as playground,
        fresh_world(playground, "own work") as world,
    ):
        tally = Tally(tmp_path / "tally")
        await playground.bot.stop()
        await playground.start_module("tests.bench.counted_bot", str(tmp_path / "tally"))
        number, _ = await world.open_planned("Counted")
        await world.told(number)
        # when it is planned again, warm,
        await _plan(world, number)
        before, asked = tally.statements, len(world.github.requests)
        await _plan(world, number)
        # then that costs few statements, and exactly these requests.
        assert tally.statements - before <= _MOST_STATEMENTS
        assert _requests(world, asked).total() == _REQUESTS


async def _plan(world: World, number: int) -> None:
    await world.comment(number, "/plan staging")
    await world.hear(number, kind="plan", env="staging", status="planned")
    await until_idle(world.playground)


def _requests(world: World, since: int) -> Counter[str]:
    made = world.github.requests[since:]
    return Counter(kind(one.method, one.path) for one in made if is_api(one.path))
