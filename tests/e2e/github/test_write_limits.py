"""Writing to GitHub at the default settings, on a GitHub that enforces its limits."""

from __future__ import annotations

from pathlib import Path

from bot.playground.stack import Playground
from tests.e2e.world import SETTINGS, fresh_world, running


async def test_an_apply_is_answered_before_its_deployment_and_checks(tmp_path: Path) -> None:
    # Given a bot that keeps to GitHub's limits, on a GitHub that has them, and a planned pull request,
    async with (
        running(Playground(directory=tmp_path, extra=SETTINGS), limits=True) as playground,
        fresh_world(playground, "at default settings") as world,
    ):
        limits = playground.github.limits.secondary
        number, _ = await world.open_planned("At GitHub's pace")
        await world.told(number)
        before = len(playground.github.requests)
        # when it is applied,
        command = await world.comment(number, "/apply staging")
        await world.reacted(command, "rocket")
        await world.told(number)
        # then what the person waits for comes before the end of the deployment and the checks, and nothing is refused.
        writes = [each for each in playground.github.requests[before:] if each.method in {"POST", "PATCH"}]
        paths = [each.path for each in writes]
        rocket = max(place for place, path in enumerate(paths) if path.endswith("/reactions"))
        ended = max(place for place, path in enumerate(paths) if path.endswith("/statuses"))
        assert rocket < ended
        assert limits is not None
        assert limits.refused == 0
        assert world.conclusions(number) == ("success", "success")
