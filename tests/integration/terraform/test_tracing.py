from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot.adapters.terraform import TerraformCli
from bot.adapters.tracing import OtelTracing
from bot.domain.core.errors import TerraformError
from tests.integration.terraform.bench import ONE_RESOURCE, SECRET, Bench
from tests.integration.terraform.conftest import SHORT


@pytest.fixture
def seen() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(open_bench: Bench, seen: InMemorySpanExporter) -> Bench:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(seen))
    open_bench.terraform = TerraformCli(limits=SHORT, tracer=OtelTracing(provider))
    return open_bench


async def test_every_phase_of_terraform_has_its_span(traced: Bench, seen: InMemorySpanExporter) -> None:
    traced.write({"terraform/main.tf": ONE_RESOURCE})

    await traced.apply(await traced.plan())

    names = [span.name for span in seen.get_finished_spans()]
    phases = [name.removeprefix("terraform ") for name in names]
    assert phases[:2] == ["init", "plan"]
    assert sorted(phases[2:4]) == ["show", "show"]
    assert phases[-2:] == ["apply", "output"]
    assert all(span.end_time and span.start_time for span in seen.get_finished_spans())


async def test_no_span_holds_what_terraform_was_given_or_said(
    traced: Bench, seen: InMemorySpanExporter
) -> None:
    broken = f'resource "terraform_data" "x" {{\n  input = file("/nowhere/{SECRET}")\n}}\n'
    traced.write({"terraform/main.tf": broken})

    with pytest.raises(TerraformError):
        await traced.plan()

    shown = "".join(span.to_json() for span in seen.get_finished_spans())
    assert "terraform plan" in shown
    assert SECRET not in shown
