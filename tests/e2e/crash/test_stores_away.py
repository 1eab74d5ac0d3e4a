"""The object store or the database is away for a while, and the server lives: work goes on by itself, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.chaos.ground import FILE, seed
from tests.e2e.crash.scene import count, planned, told, until_exists
from tests.e2e.workers.fleet import Fleet
from tests.e2e.world import World, state_locks
from tests.fakes.postgres_server import Postgres, stoppable_postgres

_WAITING = """
terraform {
  backend "s3" {}
}
variable "site_root" { type = string }
variable "site_url" { type = string }
resource "terraform_data" "waiting" {
  provisioner "local-exec" {
    interpreter = ["/bin/sh", "-c"]
    command     = "touch $SITE/started; while [ ! -e $SITE/go ]; do sleep 0.1; done"
    environment = { SITE = var.site_root }
  }
}
"""


@pytest.fixture
def settings() -> dict[str, str]:
    return {"GATEWRIGHT_RECONCILE_SECONDS": "1"}


async def readiness(playground: Playground) -> dict[str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{playground.bot.url}/readyz") as answer:
        parts: dict[str, str] = await answer.json()
        return parts


async def until_ready(playground: Playground, *, part: str, word: str) -> None:
    async with asyncio.timeout(60):
        while (await readiness(playground)).get(part) != word:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


async def until_logged(log: Path, words: str) -> None:
    async with asyncio.timeout(60):
        while words not in await asyncio.to_thread(log.read_text):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)


async def test_apply_is_reported_rightly_though_the_store_was_away(
    own: Playground,
) -> None:
    # Given a planned change, and a store that is away when the command comes,
    seen, site = await planned(own, "store"), own.directory / "site"
    world = World(playground=own, repo=REPO)
    await own.bot.stop()
    await own.start_module("tests.e2e.crash.waiting_bot")
    await own.s3.stop()
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await until_ready(own, part="object_store", word="failed")
    await until_logged(own.bot.log, "is tried again")
    assert count(own) == 0
    # when it is back, the change is applied, and the store is away again when Terraform has ended,
    await own.s3.start()
    await until_exists(site / "ended")
    await own.s3.stop()
    (site / "go").touch()
    await until_logged(own.bot.log, "the snapshot after run")
    assert told(seen, "apply") == []
    await own.s3.start()
    # then it was applied once, and is told as what it was, with its release.
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await world.idle()
    await until_ready(own, part="object_store", word="ok")
    assert (count(own), told(seen, "apply")) == (1, ["staging applied"])
    with contextlib.closing(sqlite3.connect(world.database)) as database:
        assert database.execute("SELECT count(*) FROM releases").fetchone() == (1,)


async def test_a_database_that_another_process_has_locked_is_waited_for(own: Playground) -> None:
    # Given a planned change, and a database that another process is writing to,
    seen = await planned(own, "locked")
    world = World(playground=own, repo=REPO)
    with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # when somebody asks for something meanwhile,
        command = await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
        await until_ready(own, part="database", word="failed")
        assert (count(own), world.reactions(command.id)) == (0, [])
        other.execute("ROLLBACK")
    # then it is done once the lock is gone, though GitHub may have given up on its delivery.
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await world.idle()
    await until_ready(own, part="database", word="ok")
    assert (count(own), told(seen, "apply")) == (1, ["staging applied"])


@pytest.fixture
async def postgres() -> AsyncIterator[Postgres]:
    async with stoppable_postgres() as server:
        yield server


async def test_database_server_restarted_takes_no_apply_from_its_worker(
    postgres: Postgres, tmp_path: Path, settings: dict[str, str]
) -> None:
    # Given two workers, and an apply that waits in the hands of one of them,
    fleet = Fleet(
        directory=tmp_path,
        extra=settings,
        repositories=("acme/waiting",),
        database_url=f"{postgres.url}/postgres",
    )
    try:
        await fleet.start()
        repo = await seed(fleet, "waiting")
        workers = [await fleet.start_worker(name) for name in ("first", "second")]
        pull = await fleet.github.open_pull(repo, author="dev", branch="waiting", files={FILE: _WAITING})
        seen = Watch(github=fleet.github, repo=repo, number=pull.number, patience=90)
        await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
        await fleet.idle()
        await asyncio.sleep(1.1)  # A command counts for plans posted in an earlier second.
        await fleet.github.comment(repo, pull.number, author="dev", body="/apply staging")
        await until_exists(fleet.directory / "site" / "started")
        # when the server is away for longer than a worker may be silent, and Terraform ends meanwhile,
        await postgres.stop()
        command = await fleet.github.comment(repo, pull.number, author="dev", body="/status")
        await until_ready(fleet, part="database", word="failed")
        await asyncio.sleep(4)
        (fleet.directory / "site" / "go").touch()
        async with asyncio.timeout(60):
            while await asyncio.to_thread(state_locks, fleet):  # noqa: ASYNC110 - Terraform gives it back
                await asyncio.sleep(0.1)
        await postgres.start()
        # then the apply is told as what it was by who began it, and the command that came meanwhile is answered.
        await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
        await seen.hear({"kind": "status"})
        await fleet.idle()
        assert [worker.pid is not None for worker in workers] == [True, True]
        assert {each.content for each in fleet.github.reactions(command.id)} == {"eyes", "rocket"}
        await until_ready(fleet, part="database", word="ok")
        assert fleet.github.violations == []
    finally:
        await fleet.stop(keep=False)
