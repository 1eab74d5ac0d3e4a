from __future__ import annotations

import asyncio

import pytest

from tests.e2e.workers.crowd import crowd
from tests.e2e.workers.fleet import PATIENCE, Fleet

pytestmark = pytest.mark.timeout(3 * PATIENCE)


async def test_worker_is_replaced_under_load_and_its_plan_applied_elsewhere(fleet: Fleet) -> None:
    if not fleet.sandbox:
        pytest.skip("without a sandbox a plan is applied where it was made, since it holds paths")
    many = crowd(fleet, "rolling")
    await many.create()
    old = await fleet.start_worker("old")
    [first] = await many.open(1)
    await fleet.idle()

    new = await fleet.start_worker("new")
    opening = asyncio.create_task(many.open(8, first=1))
    await many.watch(first).until(lambda: many.planned([first + 1, first + 2]) or None, "a plan")
    busy = await fleet.busy()
    code = await old.stop()
    pulls = await opening
    await fleet.idle()
    planned = {number: many.said(number)["plan", "planned"] for number in pulls}
    await many.apply(first)
    await many.watch(first).hear({"kind": "apply", "status": "applied"})
    await fleet.idle()

    assert (busy, code) == (True, 0), old.tail()
    assert planned == dict.fromkeys(pulls, 1)
    assert many.passed_over() == []
    plans = fleet.ask("SELECT pull, count(*) AS plans FROM plans GROUP BY pull")
    assert {row["plans"] for row in plans} == {1}
    assert fleet.ask("SELECT * FROM runs WHERE status <> 'succeeded'") == []
    assert "Traceback" not in old.tail() + new.tail()
