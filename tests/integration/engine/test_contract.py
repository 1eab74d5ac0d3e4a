"""Private parts of the pinned library that the engine leans on: each test fails when one of them changes."""

from __future__ import annotations

import inspect
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS
from dbos import _queue as library
from dbos import _workflow_commands as jobs
from dbos._sys_db import SystemDatabase

from bot.engine import Engine
from tests.integration.engine.conftest import Start
from tests.integration.engine.work import Recorder, Store, config, delivery, report_of_check, until


def test_the_library_is_the_one_that_was_measured() -> None:
    assert version("dbos") == "3.4.0"


def test_poller_is_started_by_a_name_that_can_be_replaced() -> None:
    signature = inspect.signature(library.queue_worker_thread)
    manager = inspect.getsource(library.queue_thread)
    poller = inspect.getsource(library.queue_worker_thread)

    assert list(signature.parameters) == ["stop_event", "dbos", "queue"]
    assert "target=queue_worker_thread" in manager
    assert "stop_event.wait(timeout=polling_interval" in poller


def test_the_work_of_dead_executors_can_be_handed_back() -> None:
    handed_back = inspect.getsource(SystemDatabase.reenqueue_for_recovery)

    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]
    # Handing back the same dead twice is harmless because a living executor's row does not match any more.
    assert "executor_id.in_(executor_ids)" in handed_back


def test_poller_reads_its_queue_again_by_a_wrappable_method() -> None:
    assert "dbos._sys_db.get_queue(queue.name)" in inspect.getsource(library.queue_worker_thread)
    assert list(inspect.signature(SystemDatabase.get_queue).parameters)[:2] == ["self", "name"]
    assert "q._worker_concurrency - running" in inspect.getsource(library.queue_worker_thread)
    assert "queue._worker_concurrency - local_running_count" in inspect.getsource(
        SystemDatabase.start_queued_workflows
    )


def test_claims_of_a_poller_can_be_narrowed_by_partition() -> None:
    claim = inspect.getsource(SystemDatabase.start_queued_workflows)
    poller = inspect.getsource(library.queue_worker_thread)

    assert list(inspect.signature(SystemDatabase._claim_gate).parameters) == [
        "self",
        "queue_name",
        "partition_key",
    ]
    assert "in self._claim_gate(queue.name, queue_partition_key)" in claim
    assert 'isolation = "SERIALIZABLE" if has_write_skew' in claim
    # Only a queue without a cap over all is claimed in one go, past the gate.
    assert "queue._partition_concurrency == 1\n                    and queue._concurrency is None" in poller


def test_the_order_of_claims_can_be_replaced() -> None:
    poller = inspect.getsource(library.queue_worker_thread)
    of_one_key = SystemDatabase.start_queued_partitioned_workflows
    of_all = inspect.signature(SystemDatabase.start_queued_workflows)

    assert "dbos._sys_db.start_queued_partitioned_workflows(" in poller
    assert "dbos._sys_db.start_queued_workflows(" in poller
    # This is why: as long as a process is not idle, the keys are drawn by lot.
    assert "sa.func.random()" in inspect.getsource(of_one_key)
    assert list(inspect.signature(of_one_key).parameters)[1:5] == [
        "queue",
        "executor_id",
        "app_version",
        "max_tasks",
    ]
    assert list(of_all.parameters)[1:6] == [
        "queue",
        "executor_id",
        "app_version",
        "queue_partition_key",
        "local_running_count",
    ]
    assert "skip_locks = not has_shared_budget" in inspect.getsource(SystemDatabase.start_queued_workflows)


async def test_a_committed_job_wakes_its_poller(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder, poll_seconds=3600.0)

    for number in range(3):
        await store.enqueue(engine, delivery(str(number)))
        await until(lambda: len(recorder.finished) == number + 1)  # noqa: B023 -- Awaited in this turn.

    assert [argument for _, argument in recorder.calls] == ["0", "1", "2"]


async def test_finished_job_wakes_poller_for_the_next_of_its_key(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder, poll_seconds=3600.0)

    await store.enqueue(engine, *(delivery(str(number)) for number in range(3)))
    await until(lambda: len(recorder.finished) == 3)

    assert [argument for _, argument in recorder.calls] == ["0", "1", "2"]


async def test_a_delayed_job_wakes_its_poller_when_it_is_due(start: Start, store: Store) -> None:
    recorder = Recorder()
    engine = await start(recorder, poll_seconds=3600.0)

    await store.enqueue(engine, report_of_check("1", delay=timedelta(milliseconds=100)))
    await until(lambda: len(recorder.finished) == 1)

    assert recorder.calls == [("handle_check", "1")]


def test_what_is_read_every_second_can_be_wrapped() -> None:
    every_second = inspect.getsource(jobs.background_jobs_thread)

    assert "dbos._sys_db.list_queues(" in inspect.getsource(library.queue_thread)
    assert "dbos._sys_db.transition_delayed_workflows()" in every_second
    assert "dbos._sys_db.cancel_timed_out_workflows(" in every_second
    assert list(inspect.signature(SystemDatabase._is_latest_version).parameters) == [
        "self",
        "app_version",
        "c",
    ]


async def test_pollers_are_the_library_s_own_again_after_a_stop(start: Start) -> None:
    original = library.queue_worker_thread
    engine = await start(Recorder())
    during = library.queue_worker_thread

    await engine.stop(0)

    assert during is not original
    assert library.queue_worker_thread is original


async def test_the_counted_table_has_the_columns_that_are_read(tmp_path: Path, store: Store) -> None:
    await Engine(config(tmp_path)).migrate()

    async with store.engine.connect() as connection:
        columns = await connection.run_sync(
            lambda sync: {column["name"] for column in sa.inspect(sync).get_columns("workflow_status")}
        )

    assert columns >= {
        "workflow_uuid",
        "name",
        "status",
        "queue_name",
        "queue_partition_key",
        "application_version",
        "executor_id",
    }
