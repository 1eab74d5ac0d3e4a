"""OpenTelemetry behind the Tracer port; not imported unless it is configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from bot.domain.core.errors import GatewrightError
from bot.ports.tracing import Fact

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class TracingError(GatewrightError):
    """Traces are configured, but the installation lacks the packages."""


class NoTracing:
    """A Tracer without spans."""

    def span(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """Do nothing."""
        del name, facts
        return nullcontext()

    def close(self) -> None:
        """Do nothing."""


class OtelTracing:
    """A Tracer that gives its spans to a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("gatewright")

    @contextmanager
    def span(self, name: str, **facts: Fact) -> Iterator[None]:
        """Record a span; of an exception only its class, because its text may contain anything."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an optional requirement

        with self._tracer.start_as_current_span(
            name, attributes=_attributes(facts), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    def close(self) -> None:
        """Send remaining spans, limited by the exporter's time-out."""
        self._provider.shutdown()


def make_tracing(endpoint: str, *, version: str) -> NoTracing | OtelTracing:
    """Return a Tracer for the OTLP collector at `endpoint` (its base URL); empty disables it."""
    if not endpoint:
        return NoTracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise TracingError(
            "An OTLP endpoint is set, but OpenTelemetry is not installed: install requirements/tracing.txt, "
            "or the package with its extra `tracing`."
        ) from error
    resource = Resource({"service.name": "gatewright", "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5))
    )
    return OtelTracing(provider)


def _attributes(facts: Mapping[str, Fact]) -> dict[str, str | int | bool]:
    return {f"gatewright.{name}": fact for name, fact in facts.items() if fact is not None}
