"""The durable engine's own client, in our transaction: the contract on which the webhook's promise rests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from dbos import DBOSClient, EnqueueOptions

from bot.adapters.database import Database
from bot.domain.core.model import DeliveryId
from bot.ports import Job
from tests.fakes.records.rows import a_delivery, a_job


@pytest.fixture
def client(fresh_url: str) -> Iterator[DBOSClient]:
    client = DBOSClient(system_database_url=fresh_url, application_name="gatewright")
    client._sys_db.run_migrations()
    yield client
    client.destroy()


@pytest.fixture
async def database(fresh_url: str, client: DBOSClient) -> Database:
    def start(connection: sa.Connection, job: Job, sequence: int) -> None:
        options: EnqueueOptions = {
            "workflow_name": job.workflow,
            "queue_name": job.queue,
            "workflow_id": job.id,
            "priority": sequence,
        }
        if job.partition is not None:
            options["queue_partition_key"] = job.partition
        client.enqueue_in_transaction(connection, options, job.argument)

    return Database(fresh_url, start)


async def test_workflow_is_enqueued_with_delivery_and_ordered_by_its_number(
    database: Database, client: DBOSClient
) -> None:
    async with database.write() as writer:
        await writer.add_delivery(a_delivery())
        await writer.enqueue(a_job("first"))
        await writer.enqueue(a_job("second"))
        await writer.enqueue(a_job("first"))

    found = await client.list_workflows_async(status="ENQUEUED")
    await database.close()
    assert [(workflow.workflow_id, workflow.name) for workflow in sorted(found, key=_priority)] == [
        ("first", "handle_delivery"),
        ("second", "handle_delivery"),
    ]


async def test_no_workflow_survives_an_abandoned_transaction(database: Database, client: DBOSClient) -> None:
    async def write_and_fail() -> None:
        async with database.write() as writer:
            await writer.add_delivery(a_delivery())
            await writer.enqueue(a_job())
            raise LookupError("the handler failed")

    with pytest.raises(LookupError):
        await write_and_fail()

    async with database.read() as reader:
        assert await reader.delivery(DeliveryId("guid-1")) is None
    await database.close()
    assert await client.list_workflows_async() == []


def _priority(workflow: object) -> int:
    priority = getattr(workflow, "priority", None)
    assert isinstance(priority, int)
    return priority
