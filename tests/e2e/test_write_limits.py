"""Writing to GitHub at the default settings, on a GitHub that enforces its limits."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from bot.playground.github import SecondaryLimits
from bot.playground.stack import Playground
from tests.e2e.world import SETTINGS, fresh_world, running


async def test_an_apply_waits_no_second_for_each_write(tmp_path: Path) -> None:
    # Given a bot that keeps to GitHub's limits, on a GitHub that has them, and a planned pull request,
    extra = {**SETTINGS, "GATEWRIGHT_GITHUB_WRITE_LIMITS": "on"}
    async with (
        running(Playground(directory=tmp_path, extra=extra)) as playground,
        fresh_world(playground, "at default settings") as world,
    ):
        limits = playground.github.limits.secondary = SecondaryLimits()
        number, _ = await world.open_planned("At GitHub's pace")
        await world.told(number)
        before = len(playground.github.requests)
        # when it is applied,
        command = await world.comment(number, "/apply staging")
        await world.reacted(command, "rocket")
        await world.told(number)
        # then neither comments nor checks and deployments are a second apart,
        writes = [each for each in playground.github.requests[before:] if each.method in {"POST", "PATCH"}]
        comments = [each for each in writes if "comments" in each.path and "reactions" not in each.path]
        records = [each for each in writes if "check-runs" in each.path or "deployments" in each.path]
        for told in (comments, records):
            assert min(later.at - first.at for first, later in pairwise(told)) < 1
        # and what the person waits for comes before the end of the deployment and the checks, and nothing is refused.
        paths = [each.path for each in writes]
        rocket = max(place for place, path in enumerate(paths) if path.endswith("/reactions"))
        ended = max(place for place, path in enumerate(paths) if path.endswith("/statuses"))
        assert rocket < ended
        assert limits.refused == 0
        assert world.conclusions(number) == ("success", "success")
