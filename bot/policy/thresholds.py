"""Thresholds on the metrics of past runs, which can shut a gate."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.policy.entry import Entry
from bot.policy.values import Bool, Duration, Int, Number


class Threshold(Entry):
    """The limit of one metric."""

    direction: Literal["at_least", "at_most"]
    """Which side of the limit is good."""
    limit: Number | None = None
    """Absolute limit."""
    change: Number | None = None
    """Maximum worsening against the reference, as a fraction."""
    min_samples: Annotated[Int, Field(ge=1, le=100_000)] = 20
    """With fewer runs the result is inconclusive."""
    window: Duration = timedelta(days=30)
    """The runs that are counted."""
    critical: Bool = True
    """Whether it shuts the gate or only warns."""
    mode: Literal["observe", "enforce"] | None = None
    """Overrides the mode of its group."""

    @model_validator(mode="after")
    def _some_limit(self) -> Threshold:
        if self.limit is None and self.change is None:
            raise ValueError("needs limit, change or both")
        return self


MetricName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9_.]{0,59}$")]


class ThresholdsEntry(Entry):
    """A group of thresholds; the default mode is `observe`."""

    mode: Literal["observe", "enforce"] = "observe"
    """`observe`: reported, never shuts a gate."""
    insufficient: Literal["warn", "block", "pass"] = "warn"
    """Result with too few samples."""
    empty_sample: Literal["warn", "block"] = "warn"
    """Result without samples."""
    metrics: dict[MetricName, Threshold] = Field(default_factory=dict)
    """Metric -> threshold."""


class GroupsEntry(Entry):
    """Thresholds of the workflow gates."""

    baseline: ThresholdsEntry = ThresholdsEntry()
    """Success, failure and cancellation rates, latencies."""
    trend: ThresholdsEntry = ThresholdsEntry()
    """The same metrics, compared with the reference period."""
    slo: ThresholdsEntry = ThresholdsEntry()
    """Service level objectives."""
