from __future__ import annotations

import asyncio
from pathlib import Path

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e_crash.conftest import watch

SLOW = """
resource "terraform_data" "slow" {
  triggers_replace = ["%(name)s"]
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "echo started >> $SITE/count; sleep 4; echo done >> $SITE/count"
    environment = { SITE = var.site_root }
  }
}
"""


async def until_exists(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(0.05)


async def planned_slow_pull(playground: Playground) -> Watch:
    pull = await playground.github.open_pull(
        REPO, author="dev", branch="slow", files={"terraform/slow.tf": SLOW % {"name": "slow"}}
    )
    seen = watch(playground, pull.number)
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await asyncio.sleep(1.1)
    return seen


async def test_a_bot_killed_during_an_apply_leaves_terraform_to_finish_and_never_applies_again(
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


async def test_a_bot_told_to_end_during_an_apply_waits_for_it(own: Playground) -> None:
    seen = await planned_slow_pull(own)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    count = own.directory / "site" / "count"
    await until_exists(count)

    code = await own.bot.stop()

    assert code == 0
    assert count.read_text().split() == ["started", "done"]
    await own.start_bot()
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
