from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.model import FailureClass, RunKind, RunStatus
from bot.ports import RunFilter
from bot.services.run_records.filters import NAMES, FilterError, page_size, run_filter


def test_all_filters_are_read_together() -> None:
    wanted = run_filter(
        {
            "repo": "ACME/infra",
            "project": "web",
            "env": "prod",
            "pull": "#7",
            "kind": "apply",
            "status": "timed_out",
            "failure_class": "TIMEOUT",
            "actor": "dependabot[bot]",
            "since": "2026-01-31",
            "until": "2026-01-31T09:30:00+01:00",
            "correlation_id": "guid-1",
            "release_candidate": "A" * 40,
            "has_risk_summary": "false",
            "before": "r000000000000001",
            "limit": "7",
        },
        ("acme/infra", "acme/web"),
    )

    assert wanted == RunFilter(
        repos=("acme/infra",),
        project="web",
        env="prod",
        pull=7,
        kind=RunKind.APPLY,
        status=RunStatus.TIMED_OUT,
        failure_class=FailureClass.TIMEOUT,
        actor="dependabot[bot]",
        since=datetime(2026, 1, 31, tzinfo=UTC),
        until=datetime(2026, 1, 31, 8, 30, tzinfo=UTC),
        correlation_id="guid-1",
        release_candidate_id="a" * 40,
        has_risk_summary=False,
        before=wanted.before,
    )


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_risk_summary_is_a_boolean(text: str, value: bool) -> None:  # noqa: FBT001 - a value of the table
    assert run_filter({"has_risk_summary": text}, None).has_risk_summary is value


@pytest.mark.parametrize("text", ["", "True", "TRUE", "1", "0", "yes", "no", "null", " true", "truefalse"])
def test_any_other_text_is_no_boolean(text: str) -> None:
    with pytest.raises(FilterError, match=r"has_risk_summary: .* is not true or false"):
        run_filter({"has_risk_summary": text}, None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("repo", "infra", "repo: 'infra' is not OWNER/NAME"),
        ("pull", "seven", "pull: 'seven' is not the number of a pull request"),
        ("kind", "unknown", "kind: 'unknown' is not plan, apply, destroy"),
        ("status", "fine", "status: 'fine' is not queued, preparing"),
        ("failure_class", "timeout", "failure_class: 'timeout' is not TIMEOUT, CANCELED"),
        ("since", "yesterday", "since: 'yesterday' is not 2026-01-31"),
        ("until", "0001-01-01T00:00:00+23:59", "until: .* is not 2026-01-31"),
        ("release_candidate", "main", "release_candidate: 'main' is not a commit"),
        ("before", "../x", "before: '../x' is not the id of a run"),
        ("colour", "red", "unknown filter 'colour'; known are repo, project"),
    ],
)
def test_impossible_filter_is_named(name: str, text: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        run_filter({name: text}, None)


@pytest.mark.parametrize("text", ["0", "201", "-1", "many", ""])
def test_page_has_at_most_200_records(text: str) -> None:
    with pytest.raises(FilterError, match="is not a number from 1 to 200"):
        page_size(text)


def test_repository_that_may_not_be_read_finds_nothing() -> None:
    assert run_filter({"repo": "acme/secret"}, ("acme/infra",)).repos == ()


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=30)))
def test_any_text_is_a_filter_or_an_error(values: dict[str, str]) -> None:
    try:
        wanted = run_filter(values, ("acme/infra",))
    except FilterError:
        return
    assert wanted.repos is not None
    assert set(wanted.repos) <= {"acme/infra"}
