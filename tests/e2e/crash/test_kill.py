from __future__ import annotations

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.conftest import watch
from tests.e2e.crash.scene import SLOW, planned_slow_pull, until_exists


async def test_terraform_outlives_a_bot_killed_during_apply_and_runs_once(
    own: Playground,
) -> None:
    seen = await planned_slow_pull(own)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    count = own.directory / "site" / "count"
    await until_exists(count)

    await own.bot.stop(kill=True)
    await own.start_bot()

    told = await seen.hear({"kind": "apply", "env": "staging", "status": "interrupted"})
    assert "The state was changed" in told.body
    replanned = await seen.hear({"kind": "plan", "env": "staging", "status": "no_changes"})
    assert replanned.header["plan"] != told.header["plan"]
    assert count.read_text().split() == ["started", "done"]


async def test_a_bot_killed_while_planning_plans_after_its_restart(own: Playground) -> None:
    pull = await own.github.open_pull(
        REPO, author="dev", branch="slow", files={"terraform/slow.tf": SLOW % {"name": "plan"}}
    )
    await own.github.settled()

    await own.bot.stop(kill=True)
    await own.start_bot()

    await watch(own, pull.number).hear({"kind": "plan", "env": "staging", "status": "planned"})


async def test_bot_told_to_end_during_an_apply_waits_for_it(own: Playground) -> None:
    seen = await planned_slow_pull(own)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    count = own.directory / "site" / "count"
    await until_exists(count)

    code = await own.bot.stop()

    assert code == 0
    assert count.read_text().split() == ["started", "done"]
    await own.start_bot()
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
