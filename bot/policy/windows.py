"""Times in which the policy's calendar closes an environment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from bot.policy.entry import Entry
from bot.policy.values import ClockTime, Moment, Text, TimeZone

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HoldWindow(Entry):
    """Hours of the week in which nothing is applied; reverts pass."""

    days: Annotated[tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)]
    """Days on which the window begins."""
    start: ClockTime
    """First minute, in quotes."""
    end: ClockTime
    """First minute after it; not later than `start` means on the next day."""
    timezone: TimeZone = "UTC"
    """Time zone of `start` and `end`."""
    reason: Text
    """Shown in the refusal."""


class Freeze(Entry):
    """A span of time in which nothing is applied; reverts pass."""

    start: Moment
    """First moment; a bare date is midnight UTC."""
    end: Moment
    """First moment after it."""
    reason: Text
    """Shown in the refusal."""

    @model_validator(mode="after")
    def _in_order(self) -> Freeze:
        if self.end <= self.start:
            raise ValueError("end must be later than start")
        return self


def closed_reason(windows: Sequence[HoldWindow], freezes: Sequence[Freeze], now: datetime) -> str | None:
    """Return the reason of the freeze or window at `now` (aware), None where it is open."""
    for freeze in freezes:
        if freeze.start <= now < freeze.end:
            return freeze.reason
    return next((window.reason for window in windows if _covers(window, now)), None)


def _covers(window: HoldWindow, now: datetime) -> bool:
    """Whether a window covers `now`, by the wall clock of its time zone."""
    # A window over midnight may have started the day before.
    # UTC needs no time zone data, which small container images lack.
    zone = UTC if window.timezone == "UTC" else ZoneInfo(window.timezone)
    local = now.astimezone(zone)
    for days_ago in (0, 1):
        day = local.date() - timedelta(days=days_ago)
        if _DAYS[day.weekday()] not in window.days:
            continue
        last_day = day if window.end > window.start else day + timedelta(days=1)
        start = datetime.combine(day, window.start, tzinfo=zone)
        end = datetime.combine(last_day, window.end, tzinfo=zone)
        if start <= local < end:
            return True
    return False
