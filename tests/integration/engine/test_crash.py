from __future__ import annotations

from collections import Counter
from pathlib import Path

from bot.engine import Engine
from tests.integration.engine.processes import read, worker
from tests.integration.engine.work import Store, change, config, delivery, plan, until


async def test_killed_process_continues_and_repeats_no_finished_step(tmp_path: Path, store: Store) -> None:
    settings = config(tmp_path)
    trace = tmp_path / "trace"
    client = Engine(settings)
    await client.migrate()

    async with worker(settings.database_url, trace, "hang") as first:
        await store.enqueue(client, plan("p1"), change("c1"), change("c2"))
        await first.wait_for("execute_plan")
        await first.wait_for("execute_change")
        # A step writes its line when it begins; only one whose end is recorded is not repeated.
        await until(lambda: _plan_is_recorded(store))
        await first.kill()
    async with worker(settings.database_url, trace) as second:
        await store.enqueue(client, delivery("d1"))
        await until(lambda: ("execute_change", "c2", second.process.pid) in read(trace))
        await second.wait_for("handle_delivery")

    steps = Counter((step, argument) for step, argument, _ in read(trace) if step != "ready")
    assert steps["execute_change", "c1"] == 2
    assert steps["execute_plan", "p1"] == 1
    assert steps["execute_change", "c2"] == 1
    assert steps["handle_delivery", "d1"] == 1


async def test_the_data_directory_is_free_again_after_a_kill(tmp_path: Path) -> None:
    settings = config(tmp_path)
    trace = tmp_path / "trace"

    async with worker(settings.database_url, trace) as first:
        await first.kill()
    async with worker(settings.database_url, trace) as second:
        pid = second.process.pid

    assert [(step, process) for step, _, process in read(trace)] == [
        ("ready", first.process.pid),
        ("ready", pid),
    ]


async def _plan_is_recorded(store: Store) -> bool:
    return "SUCCESS" in await store.statuses()
