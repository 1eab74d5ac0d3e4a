"""Translate our configuration and jobs into the library's options."""

from __future__ import annotations

import sqlalchemy as sa
from dbos import DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from bot.engine.claiming import ATTRIBUTES
from bot.engine.concurrency import ENVIRONMENT
from bot.engine.config import APPLICATION, QUEUES, VERSION, EngineConfig, EngineError
from bot.ports import Job


def config_of(config: EngineConfig, executor_id: str, engine: sa.Engine | None) -> DBOSConfig:
    """Return how it runs here; with connections of its own where it is given none."""
    return {
        "name": APPLICATION,
        "system_database_url": config.database_url,
        "system_database_engine": engine,
        "executor_id": executor_id,
        "application_version": VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "enable_otlp": False,
    }


def options_of(job: Job, sequence: int) -> EnqueueOptions:
    """Return a job's options; `sequence` orders it. Raises EngineError for an invalid job."""
    if job.queue not in QUEUES:
        raise EngineError(f"There is no queue {job.queue}.")
    if not job.partition:
        raise EngineError(f"A job of the queue {job.queue} came without a partition.")
    options: EnqueueOptions = {
        "workflow_name": job.workflow,
        "workflow_id": job.id,
        "queue_name": job.queue,
        "queue_partition_key": job.partition,
        "priority": sequence,
    }
    if job.delay:
        options["delay_seconds"] = job.delay.total_seconds()
    attributes = {**(ATTRIBUTES if job.asked else {})}
    if job.environment:
        attributes[ENVIRONMENT] = job.environment
    if attributes:
        options["attributes"] = attributes
    return options
