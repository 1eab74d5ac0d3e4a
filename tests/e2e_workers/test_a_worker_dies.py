from __future__ import annotations

import asyncio

from tests.e2e_workers.crowd import crowd
from tests.e2e_workers.fleet import Fleet

PULLS = 40
_BUSY = "SELECT count(*) AS busy FROM dbos.workflow_status WHERE status = 'PENDING' AND executor_id = '{}'"


async def test_forty_pull_requests_are_planned_once_each_though_a_worker_is_killed(fleet: Fleet) -> None:
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
