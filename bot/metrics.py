"""Metrics in a registry of this process; `/metrics` renders them for Prometheus."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bot.domain.core.model import EnvName, RunKind, RunStatus
from bot.domain.core.refusals import Reason

_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800, 3600)
_ENVIRONMENTS: Final = 32
"""Number of environment names with a label of their own, since repositories can define any number."""
_OTHER: Final = "other"
disable_created_metrics()  # type: ignore[no-untyped-call]  # Nobody asks when a counter was first counted.
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLoad:
    """The contents of one queue; ages in seconds, 0 if it is empty."""

    waiting: int = 0
    oldest_waiting: float = 0.0
    running: int = 0
    oldest_running: float = 0.0


class Metrics:
    """Counters whose labels have few values: never a repository, a user or an id."""

    def __init__(self, version: str = "unknown") -> None:
        self._registry = CollectorRegistry()
        self._environments: set[str] = set()
        self._labels: dict[str, frozenset[str]] = {}
        ProcessCollector(registry=self._registry)
        build = Info("gatewright_build", "Version of the program and of Python.", registry=self._registry)
        build.info({"version": version, "python": platform.python_version()})
        self._make_work_metrics()
        self._make_engine_metrics()
        self._make_github_metrics()
        self._make_upkeep_metrics()

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        self._labels[f"gatewright_{name}"] = frozenset(labels)
        return Counter(f"gatewright_{name}", about, labels, registry=self._registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        self._labels[f"gatewright_{name}"] = frozenset(labels)
        return Gauge(f"gatewright_{name}", about, labels, registry=self._registry)

    def _seconds(self, name: str, about: str, *labels: str) -> Histogram:
        self._labels[f"gatewright_{name}"] = frozenset(labels)
        return Histogram(f"gatewright_{name}", about, labels, buckets=_SECONDS, registry=self._registry)

    def _make_work_metrics(self) -> None:
        self._deliveries = self._counter(
            "deliveries", "Webhook deliveries received, by event and answer.", "event", "outcome"
        )
        self._handled = self._counter("deliveries_handled", "Webhook deliveries by outcome.", "outcome")
        self._runs = self._counter("runs", "Finished runs.", "kind", "env", "status")
        self._run_seconds = self._seconds(
            "run_seconds", "From the start of a run to its end.", "kind", "env", "status"
        )
        self._wait_seconds = self._seconds(
            "queue_wait_seconds", "From the request of a run to its start.", "kind"
        )
        self._refusals = self._counter("refusals", "Commands and applies refused, by reason code.", "reason")
        for reason in Reason:
            self._refusals.labels(reason)

    def _make_engine_metrics(self) -> None:
        self._depth = self._gauge("queue_depth", "Jobs waiting in a queue.", "queue")
        self._oldest_waiting = self._gauge(
            "queue_oldest_seconds", "How long the oldest job of a queue has waited.", "queue"
        )
        self._running = self._gauge("queue_running", "Running jobs of a queue.", "queue")
        self._oldest_running = self._gauge(
            "queue_running_oldest_seconds", "How long the oldest job has been running.", "queue"
        )
        self._stranded = self._gauge(
            "stranded_workflows", "Unfinished workflows that no process of this version will run."
        )
        self._lost = self._counter("lost_workflows", "Workflows that failed after all retries.", "workflow")

    def _make_github_metrics(self) -> None:
        self._github = self._counter(
            "github_requests", "Requests to GitHub by status; `none` without a response.", "status"
        )
        self._github_seconds = self._seconds(
            "github_request_seconds", "From a request to GitHub to its response."
        )
        self._github_left = self._gauge(
            "github_rate_limit_remaining",
            "Remaining requests, according to GitHub's last response.",
            "resource",
        )

    def _make_upkeep_metrics(self) -> None:
        self._pruned = self._counter("pruned", "Old objects and records deleted.", "what")
        self._upkeep = self._gauge(
            "upkeep_last_success_timestamp_seconds",
            "When this process last deleted old data without an error.",
        )

    def delivery(self, event: str, outcome: str) -> None:
        """Count a webhook delivery; `event` is given only after its signature was verified."""
        self._deliveries.labels(event, outcome).inc()

    def delivery_handled(self, outcome: str) -> None:
        """Count a delivery with its outcome."""
        self._handled.labels(outcome).inc()

    def run_started(self, kind: RunKind, waited: float) -> None:
        """Observe how many seconds a run waited for its start."""
        self._wait_seconds.labels(kind).observe(waited)

    def run_finished(self, kind: RunKind, env: EnvName, status: RunStatus, seconds: float) -> None:
        """Count a finished run and observe its duration in seconds."""
        shown = self._shown(env)
        self._runs.labels(kind, shown, status).inc()
        self._run_seconds.labels(kind, shown, status).observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a refusal by its reason."""
        self._refusals.labels(reason).inc()

    def lost(self, workflow: str) -> None:
        """Count a workflow that failed for good."""
        self._lost.labels(workflow).inc()

    def github_request(self, status: int | None, seconds: float = 0.0) -> None:
        """Count a request to GitHub; None if there was no answer."""
        self._github.labels("none" if status is None else str(status)).inc()
        self._github_seconds.observe(seconds)

    def github_limit(self, resource: str, remaining: int) -> None:
        """Set GitHub's remaining number of requests; `resource` is `core` or `graphql`."""
        if resource in {"core", "graphql"}:
            self._github_left.labels(resource).set(remaining)

    def queues(self, loads: Mapping[str, QueueLoad], *, stranded: int) -> None:
        """Set the number of waiting, active and stuck items per queue."""
        for queue, load in loads.items():
            self._depth.labels(queue).set(load.waiting)
            self._oldest_waiting.labels(queue).set(load.oldest_waiting)
            self._running.labels(queue).set(load.running)
            self._oldest_running.labels(queue).set(load.oldest_running)
        self._stranded.set(stranded)

    def tidied(self, counts: Mapping[str, int]) -> None:
        """Count the items deleted by a successful round of upkeep."""
        for what, count in counts.items():
            self._pruned.labels(what).inc(count)
        self._upkeep.set_to_current_time()

    def labels(self, family: str) -> frozenset[str]:
        """Return the labels of a metric, by its name without `_total`; KeyError if unknown."""
        return self._labels[family]

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _shown(self, env: str) -> str:
        if env not in self._environments and len(self._environments) >= _ENVIRONMENTS:
            return _OTHER
        self._environments.add(env)
        return env
