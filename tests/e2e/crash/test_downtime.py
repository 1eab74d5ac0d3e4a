"""The server was down: what GitHub told meanwhile is found, once, whether or not GitHub still knows that it failed."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.scene import change, looked, opened, planned
from tests.e2e.world import World


@pytest.fixture
def settings() -> dict[str, str]:
    return {"GATEWRIGHT_RECONCILE_SECONDS": "1"}


async def test_events_during_downtime_are_found_and_handled_once(own: Playground) -> None:
    # Given a pull request that holds staging, and a server that is down while it is merged and another is opened,
    world, github = World(playground=own, repo=REPO), own.github
    first = await planned(own, "first")
    await github.comment(REPO, first.number, author="dev", body="/apply staging")
    await first.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await world.idle()
    await own.bot.stop()
    await github.merge(REPO, first.number, author="dev")
    second = await opened(own, "second")
    await github.settled()
    # when it is back, and GitHub will not deliver any of it again,
    github.faults.add(method="POST", path=r"/attempts$", status=404, times=None)
    await own.start_bot()
    # then the open pull request is planned, and the merged one gives back what it held.
    await first.hear({"kind": "closeout", "status": "merged"})
    await second.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await world.idle()
    assert world.locks() == []
    # Given a command that comes while it is down again,
    await own.bot.stop()
    github.faults.clear()
    command = await github.comment(REPO, second.number, author="dev", body="/status")
    await github.settled()
    guid = github.deliveries[-1].guid
    runs, requests = len(world.runs()), len(github.requests)
    # when it is back, and has looked several times,
    await own.start_bot()
    await second.hear({"kind": "status"})
    await looked(own, requests, times=3)
    await world.idle()
    # then the command was delivered again once, answered once, and nothing was planned twice.
    attempts = [each for each in github.deliveries if each.guid == guid]
    answers = [heard for heard in second.comments() if heard.header["kind"] == "status"]
    assert (len(attempts), len(answers), len(world.runs())) == (2, 1, runs)
    assert world.reactions(command.id) == ["eyes", "rocket"]


async def test_push_found_is_planned_and_its_head_is_remembered(own: Playground) -> None:
    # Given a push while the server is down, which GitHub will not deliver again,
    world, seen = World(playground=own, repo=REPO), await planned(own, "lost")
    await world.idle()
    await own.bot.stop()
    head = await change(own, "lost", "Another")
    await own.github.settled()
    own.github.faults.add(method="POST", path=r"/attempts$", status=404, times=None)
    # when the server is back,
    await own.start_bot()
    # then the new head is planned, and it is on record as a head of which nobody reported who pushed it.
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned", "head": head})
    await world.idle()
    with contextlib.closing(sqlite3.connect(world.database)) as database:
        seen_heads = {row[0] for row in database.execute("SELECT head_sha FROM pushes")}
        pushed = {row[0] for row in database.execute("SELECT after_sha FROM branch_pushes")}
    assert head in seen_heads - pushed
