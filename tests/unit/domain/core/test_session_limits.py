from __future__ import annotations

import pytest

from bot.domain.core.session_limits import SessionLimits


@pytest.mark.parametrize("takeover", [1.0, 2.0, 3.0, 20.0, 600.0])
def test_a_pause_ends_before_work_is_taken_over(takeover: float) -> None:
    limits = SessionLimits(takeover_seconds=takeover)

    given = limits.parameters({})

    options = dict(option.split("=") for option in given["options"].replace("-c ", "").split())
    paused = int(options["idle_in_transaction_session_timeout"]) / 1000
    assert 0 < paused <= min(10, takeover / 2)
    assert int(options["tcp_user_timeout"]) == int(given["tcp_user_timeout"]) <= 1000 * takeover / 2


@pytest.mark.parametrize("takeover", [8.0, 20.0, 600.0])
def test_an_unanswered_keepalive_ends_a_session_before_that(takeover: float) -> None:
    given = SessionLimits(takeover_seconds=takeover).parameters({})

    idle, interval, count = (int(given[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert idle + interval * count < takeover
    assert f"tcp_keepalives_idle={idle} -c tcp_keepalives_interval={interval}" in given["options"]


def test_what_the_database_url_sets_wins() -> None:
    given = SessionLimits().parameters(
        {"options": "-c search_path=bot -c lock_timeout=1s", "keepalives_idle": "3", "sslmode": "require"}
    )

    assert given["options"].endswith("-c search_path=bot -c lock_timeout=1s")
    assert "idle_in_transaction_session_timeout" in given["options"]
    assert (given["keepalives_idle"], given["sslmode"]) == ("3", "require")


def test_the_name_of_a_session_is_the_process_s_own() -> None:
    given = SessionLimits(name="gatewright-host-1").parameters({"application_name": "other"})

    assert given["application_name"] == "gatewright-host-1"
