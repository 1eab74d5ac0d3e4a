from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import pytest
from aiohttp import web

from bot.adapters.clock import SystemClock
from bot.web.sessions import Sessions
from tests.e2e.workers.crowd import crowd
from tests.e2e.workers.fleet import PATIENCE, Fleet
from tests.fakes.accounts import account

pytestmark = pytest.mark.timeout(3 * PATIENCE)

PULLS = 12
"""`make chaos ARGS=--workers` kills workers under more of them."""
_BUSY = "SELECT count(*) AS busy FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = '{}'"


async def test_pull_requests_are_planned_once_though_a_worker_is_killed(fleet: Fleet) -> None:
    many = crowd(fleet, "crowd")
    await many.create()
    await asyncio.gather(fleet.start_worker("doomed"), fleet.start_worker("survivor"))

    pulls = await many.open(PULLS)
    await many.watch(pulls[0]).until(lambda: len(many.planned(pulls)) >= PULLS // 4 or None, "a quarter")
    await fleet.workers["doomed"].stop(kill=True)
    left = len(many.planned(pulls))
    await fleet.idle()

    assert left < PULLS
    assert {number: dict(many.said(number)) for number in pulls} == {
        number: {("plan", "planned"): 1} for number in pulls
    }
    assert many.passed_over() == []
    plans = fleet.ask("SELECT pull, count(*) AS plans FROM plans GROUP BY pull")
    assert {row["pull"]: row["plans"] for row in plans} == dict.fromkeys(pulls, 1)
    assert fleet.ask("SELECT * FROM runs WHERE status <> 'succeeded'") == []


async def streamed(fleet: Fleet, run: str, *, until: str) -> str:
    """Read the live log of a run from the web process, which is not the one that works on it."""
    answer = web.Response()
    sessions = Sessions(fleet.secrets.session_key, clock=SystemClock(), secure=False)
    sessions.complete(answer, account("owner", fleet.github.account("owner").id))
    cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
    jar, seen = aiohttp.CookieJar(unsafe=True), ""
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession(cookies=cookies, cookie_jar=jar) as session,
        session.get(f"{fleet.bot.url}/runs/{run}/stream") as stream,
    ):
        assert stream.status == HTTPStatus.OK
        async for chunk in stream.content.iter_any():
            seen += chunk.decode()
            if until in seen:
                break
    return seen


async def test_apply_of_a_killed_worker_is_awaited_by_another_machine(fleet: Fleet) -> None:
    module = crowd(fleet, "slow")
    await module.create()
    await module.slow_down(seconds=8)
    first = await fleet.start_worker("first")
    [number] = await module.open(1)
    await module.watch(number).hear({"kind": "plan", "status": "planned"})
    await fleet.idle()
    await module.apply(number)
    await module.watch(number).until(module.is_locked, "Terraform's lock")
    [run] = fleet.ask("SELECT id FROM runs WHERE kind = 'apply'")
    live = await streamed(fleet, str(run["id"]), until="Creating...")

    await first.stop(kill=True)
    await fleet.start_worker("second")
    told = await module.watch(number).hear({"kind": "apply", "status": "interrupted"})
    await fleet.idle()

    assert "Creating..." in live
    assert "The state was changed" in told.body
    assert module.is_locked() is None
    assert module.said(number)["plan", "no_changes"] == 1
    assert [row["status"] for row in fleet.ask("SELECT status FROM runs WHERE kind = 'apply'")] == [
        "interrupted"
    ]
