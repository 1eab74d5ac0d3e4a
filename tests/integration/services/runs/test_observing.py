"""What is seen of a delivery and of its run: in the log, in spans and in counters."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.adapters.database import Database
from bot.adapters.tracing import OtelTracing
from bot.domain.core.accounts import SELF
from bot.domain.core.model import DeliveryId, RunId, RunStatus
from bot.domain.core.refusals import Reason
from bot.logs import formatter
from bot.metrics import Metrics
from bot.observing import Observing
from bot.services.runs.measuring import Measuring
from tests.fakes.records.rows import NOW, a_delivery, a_run

_LOG = logging.getLogger("gatewright.test.observing")


class Sight:
    """An Observing with everything that it is seen by."""

    def __init__(self, records: Database) -> None:
        self.records = records
        self.metrics = Metrics()
        self.spans = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracer = OtelTracing(provider)
        measuring = Measuring(records=records, counters=self.metrics)
        self.observing = Observing(
            records=records, tracer=self.tracer, measuring=measuring, count_lost=self.metrics.lost
        )
        self.written = io.StringIO()
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(formatter("json", str))
        _LOG.handlers[:], _LOG.propagate = [handler], False
        _LOG.setLevel("INFO")

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]

    def counted(self) -> set[str]:
        return {line for line in self.metrics.render().decode().splitlines() if not line.startswith("#")}


@pytest.fixture
def sight(records: Database) -> Sight:
    return Sight(records)


async def test_delivery_is_logged_by_its_facts_and_counted_by_outcome(sight: Sight) -> None:
    async with sight.records.write() as writer:
        await writer.add_delivery(a_delivery())

    async def handle(argument: str) -> str:
        with sight.tracer.span("handler", event="issue_comment"):
            _LOG.info("handling")
        async with sight.records.write() as writer:
            await writer.finish_delivery(DeliveryId(argument), "handled", "done")
        return "handled"

    await sight.observing.delivery(handle)("guid-1")

    (line,) = sight.lines()
    assert (line["delivery_id"], line["repo"], line["pull"]) == ("guid-1", "acme/infra", 7)
    handler, delivery = sight.spans.get_finished_spans()
    assert handler.parent is not None
    assert delivery.context is not None
    assert (handler.name, handler.parent.span_id) == ("handler", delivery.context.span_id)
    assert 'gatewright_deliveries_handled_total{outcome="handled"} 1.0' in sight.counted()


async def test_run_is_logged_by_its_facts_and_counted_with_refusals(sight: Sight) -> None:
    async with sight.records.write() as writer:
        await writer.add_run(a_run(), NOW)

    async def execute(argument: str) -> None:
        _LOG.info("running")
        refusals = [{"reason": Reason.LOCKED}, {"reason": "made up by a row of another version"}]
        async with sight.records.write() as writer:
            await writer.set_result(RunId(argument), summary="No.", detail={"refusals": refusals})
            await writer.move_run(RunId(argument), RunStatus.FAILED, at=NOW, actor=SELF, why="no")

    await sight.observing.run("plan", execute, ends=True)("run-1")

    (line,) = sight.lines()
    facts = {name: line[name] for name in ("run_id", "delivery_id", "repo", "pull", "env", "kind")}
    assert facts == {
        "run_id": "run-1",
        "delivery_id": "guid-1",
        "repo": "acme/infra",
        "pull": 7,
        "env": "staging",
        "kind": "plan",
    }
    (span,) = sight.spans.get_finished_spans()
    assert dict(span.attributes or {}) == {f"gatewright.{name}": fact for name, fact in facts.items()}
    assert {
        'gatewright_runs_total{env="staging",kind="plan",status="failed"} 1.0',
        'gatewright_refusals_total{reason="locked"} 1.0',
    } <= sight.counted()


async def test_what_is_tried_again_is_not_counted_yet(sight: Sight) -> None:
    async with sight.records.write() as writer:
        await writer.add_delivery(replace(a_delivery(), outcome=None))

    async def fail(_: str) -> None:
        raise ConnectionError("hunter2")

    with pytest.raises(ConnectionError):
        await sight.observing.delivery(fail)("guid-1")

    (span,) = sight.spans.get_finished_spans()
    assert (span.status.description, "hunter2" in span.to_json()) == ("ConnectionError", False)
    assert not [line for line in sight.counted() if line.startswith("gatewright_deliveries_handled_total")]
