from __future__ import annotations

import asyncio
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.adapters.tracing import NoTracing, OtelTracing, make_tracing


@pytest.fixture
def seen() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(seen: InMemorySpanExporter) -> OtelTracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(seen))
    return OtelTracing(provider)


async def test_spans_lie_inside_one_another_across_tasks(
    tracing: OtelTracing, seen: InMemorySpanExporter
) -> None:
    async def phase() -> None:
        with tracing.span("terraform plan", phase="plan"):
            await asyncio.sleep(0)

    with tracing.span("plan", run_id="r1", pull=7, env=None):
        await asyncio.gather(phase(), phase())

    *phases, run = seen.get_finished_spans()
    assert run.context is not None
    assert [span.parent and span.parent.span_id for span in phases] == [run.context.span_id] * 2
    assert dict(run.attributes or {}) == {"gatewright.run_id": "r1", "gatewright.pull": 7}


def test_of_an_exception_only_its_class_is_told(tracing: OtelTracing, seen: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), tracing.span("plan"):
        raise ValueError("hunter2")

    (span,) = seen.get_finished_spans()
    assert (span.status.status_code.name, span.status.description) == ("ERROR", "ValueError")
    assert span.events == ()
    assert "hunter2" not in span.to_json()


async def test_nothing_of_it_is_imported_where_it_is_not_configured() -> None:
    code = (
        "import sys, bot.app\nfrom bot.adapters.tracing import make_tracing\n"
        "with make_tracing('', version='1').span('x', run_id='r'): pass\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()

    assert said == b"[]\n"


def test_an_endpoint_is_sent_to_and_none_is_not() -> None:
    made = make_tracing("http://127.0.0.1:9", version="1")
    made.close()

    assert isinstance(made, OtelTracing)
    assert isinstance(make_tracing("", version="1"), NoTracing)
