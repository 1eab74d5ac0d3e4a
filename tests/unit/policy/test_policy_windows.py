from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.policy import EnvironmentPolicy, load_policy

TEXT = """
version: 1
terraform: {version: "1.11.4"}
environments:
  prod:
    hold_windows:
      - {days: [fri], start: "16:00", end: "08:00", timezone: Europe/Berlin, reason: weekend}
      - {days: [tue], start: "12:00", end: "13:00", reason: lunch}
      - {days: [wed], start: "00:00", end: "00:00", reason: all day}
    freezes:
      - {start: 2026-12-20, end: "2027-01-03T08:00:00+01:00", reason: holidays}
"""


@pytest.fixture(name="prod")
def _prod() -> EnvironmentPolicy:
    return load_policy(TEXT).environment("prod")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param("2026-01-09T14:59:59", None, id="just before, winter"),
        pytest.param("2026-01-09T15:00:00", "weekend", id="first minute, winter"),
        pytest.param("2026-07-10T14:00:00", "weekend", id="first minute, summer"),
        pytest.param("2026-01-10T06:59:59", "weekend", id="last second, next day"),
        pytest.param("2026-01-10T07:00:00", None, id="over"),
        pytest.param("2026-01-09T04:00:00", None, id="early on the day itself"),
        pytest.param("2026-01-06T12:30:00", "lunch", id="window within a day"),
        pytest.param("2026-01-06T13:00:00", None, id="end is outside"),
        pytest.param("2026-01-07T00:00:00", "all day", id="midnight to midnight, begin"),
        pytest.param("2026-01-07T23:59:59", "all day", id="midnight to midnight, end"),
        pytest.param("2026-01-08T00:00:00", None, id="midnight after"),
        pytest.param("2026-12-20T00:00:00", "holidays", id="freeze begins"),
        pytest.param("2027-01-03T06:59:59", "holidays", id="freeze, last second"),
        pytest.param("2027-01-03T07:00:00", None, id="freeze over"),
    ],
)
def test_the_calendar_closes_an_environment(prod: EnvironmentPolicy, now: str, reason: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert prod.closed_reason(moment) == reason
