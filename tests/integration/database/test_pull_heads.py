from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.connection.schema import upgrade
from bot.adapters.database.queries import rows
from bot.adapters.database.tables.core import plans, runs
from bot.domain.core.model import DeliveryId, Sha
from tests.fakes.records.rows import NOW, REPO, a_plan, a_run

A, B = Sha("a" * 40), Sha("b" * 40)
LATER = NOW + timedelta(minutes=1)


async def test_a_commit_that_returns_gets_a_second_number(records: Database) -> None:
    async with records.write() as writer:
        numbers = [await writer.record_head(REPO, 7, sha, NOW) for sha in (A, A, B, A)]

    assert numbers == [1, 1, 2, 3]
    async with records.read() as reader:
        newest = await reader.head(REPO, 7)
        assert newest is not None
        assert (newest.number, newest.head_sha) == (3, A)
        assert [each.head_sha for each in await reader.heads(REPO, 7)] == [A, B, A]
        assert await reader.newest_heads(REPO) == {7: newest}


async def test_pull_requests_are_numbered_apart(records: Database) -> None:
    async with records.write() as writer:
        await writer.record_head(REPO, 7, A, NOW)
        await writer.record_head(REPO, 7, B, NOW)

        assert await writer.record_head(REPO, 8, B, NOW) == 1
        assert await writer.head("acme/other", 7) is None


async def test_the_first_report_of_a_head_stays_noted(records: Database) -> None:
    async with records.write() as writer:
        number = await writer.record_head(REPO, 7, A, NOW)

        await writer.report_head(REPO, 7, number, DeliveryId("guid-1"))
        await writer.report_head(REPO, 7, number, DeliveryId("guid-2"))

        newest = await writer.head(REPO, 7)
    assert newest is not None
    assert (newest.delivery_id, newest.recorded_at) == ("guid-1", NOW)


async def test_two_that_see_a_head_at_once_number_it_once(records: Database) -> None:
    async def see(sha: Sha) -> int:
        async with records.write() as writer:
            return await writer.record_head(REPO, 7, sha, LATER)

    numbers = await asyncio.gather(*(see(A) for _ in range(4)))

    assert numbers == [1, 1, 1, 1]


async def test_runs_and_plans_know_the_number_of_their_head(records: Database) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(head_number=3), NOW)
        await writer.add_plan(a_plan(head_number=3))

        run, plan = await writer.run(a_run().id), await writer.plan(a_plan().id)
        (outline,) = await writer.plan_outlines(repo=REPO)
    assert run is not None
    assert plan is not None
    assert (run.head_number, plan.head_number, outline.head_number) == (3, 3, 3)


async def test_rows_of_an_older_version_have_no_number(empty_url: str) -> None:
    engine = migration_engine(parse_url(empty_url))
    run = rows.run_values(a_run()) | {"created_at": NOW}
    plan = rows.plan_values(a_plan())
    with engine.begin() as connection:
        upgrade(connection, "0020")
        connection.execute(sa.insert(runs).values({name: run[name] for name in run if name != "head_number"}))
        connection.execute(
            sa.insert(plans).values({name: plan[name] for name in plan if name != "head_number"})
        )
    engine.dispose()

    migrate(empty_url)

    records = Database(empty_url)
    async with records.read() as reader:
        old = (await reader.run(a_run().id), await reader.plan(a_plan().id))
        head = await reader.head(REPO, 7)
    await records.close()
    assert old[0] is not None
    assert old[1] is not None
    assert (old[0].head_number, old[1].head_number, head) == (None, None, None)
