"""When the numbers of past runs shut a gate."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.policy.entry import Entry
from bot.policy.values import Bool, Duration, Int, Number


class Threshold(Entry):
    """When one metric is bad."""

    direction: Literal["at_least", "at_most"]
    """Which side of the limit is good."""
    limit: Number | None = None
    """Absolute limit."""
    change: Number | None = None
    """Largest change for the worse against the reference, as a fraction of it."""
    min_samples: Annotated[Int, Field(ge=1, le=100_000)] = 20
    """Below this many runs nothing is concluded."""
    window: Duration = timedelta(days=30)
    """The runs that are looked at."""
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
    """One group of thresholds: a new group only observes."""

    mode: Literal["observe", "enforce"] = "observe"
    """`observe`: reported, never shuts a gate."""
    insufficient: Literal["warn", "block", "pass"] = "warn"
    """What too few samples mean."""
    empty_sample: Literal["warn", "block"] = "warn"
    """What no sample at all means."""
    metrics: dict[MetricName, Threshold] = Field(default_factory=dict)
    """Metric -> threshold."""


class GroupsEntry(Entry):
    """Thresholds of the workflow gates."""

    baseline: ThresholdsEntry = ThresholdsEntry()
    """Success, failure and cancellation rates, latencies."""
    trend: ThresholdsEntry = ThresholdsEntry()
    """The same against the reference."""
    slo: ThresholdsEntry = ThresholdsEntry()
    """Service level objectives."""
