"""What is counted, in a registry of this process's own; `/metrics` renders it for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.domain.model import RunKind, RunStatus

_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600)
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """Counters whose labels take few values: none is a repository, a user or an id."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "gatewright_deliveries",
            "Webhook deliveries by event and outcome.",
            ("event", "outcome"),
            registry=self._registry,
        )
        self._runs = Counter(
            "gatewright_runs",
            "Finished runs by kind and status.",
            ("kind", "status"),
            registry=self._registry,
        )
        self._run_seconds = Histogram(
            "gatewright_run_seconds",
            "Time from the start of a run to its end.",
            ("kind",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._wait_seconds = Histogram(
            "gatewright_queue_wait_seconds",
            "Time from the request of a run to its start.",
            ("kind",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._github = Counter(
            "gatewright_github_requests",
            "Requests to GitHub by status; `none` where no answer came.",
            ("status",),
            registry=self._registry,
        )
        self._depth = Gauge(
            "gatewright_queue_depth", "Jobs that wait in a queue.", ("queue",), registry=self._registry
        )
        self._stranded = Gauge(
            "gatewright_stranded_workflows",
            "Unfinished workflows that no process of this version will run.",
            registry=self._registry,
        )

    def delivery(self, event: str, outcome: str) -> None:
        """Count a webhook delivery; `event` is only trusted, and given, after its signature was."""
        self._deliveries.labels(event, outcome).inc()

    def run_started(self, kind: RunKind, waited: float) -> None:
        """Observe how many seconds a run waited before it started."""
        self._wait_seconds.labels(kind).observe(waited)

    def run_finished(self, kind: RunKind, status: RunStatus, seconds: float) -> None:
        """Count a finished run and observe how many seconds it took from its start."""
        self._runs.labels(kind, status).inc()
        self._run_seconds.labels(kind).observe(seconds)

    def github_request(self, status: int | None) -> None:
        """Count a request to GitHub; None when no answer came."""
        self._github.labels("none" if status is None else str(status)).inc()

    def queues(self, depths: Mapping[str, int], *, stranded: int) -> None:
        """Set what waits, and what waits in vain."""
        for queue, depth in depths.items():
            self._depth.labels(queue).set(depth)
        self._stranded.set(stranded)

    def render(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
