from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.model import FailureClass, RunKind
from bot.domain.core.outcome import Outcome
from bot.domain.measures.baseline import measure
from bot.domain.measures.counting import Result, RunFact
from bot.reports.baseline import BaselineData, baseline_data, checks_of, section
from bot.reports.envelope import Report, Subject, Window, schema_of
from bot.reports.judging import Leniency, outcome_of, warnings_of
from bot.reports.kinds import KINDS, json_schema
from bot.reports.thresholds import DEFAULTS, merged
from bot.reports.validity import InvalidReportError, fault_of, read_report

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SUBJECT = Subject(repo="acme/infra", project="default", env="staging", policy_digest="d" * 64)


def _facts(good: int, bad: int) -> list[RunFact]:
    return [
        RunFact(
            run_id=f"r{number}",
            kind=RunKind.APPLY,
            result=Result.SUCCESS if number < good else Result.FAILED,
            failure_class=None if number < good else FailureClass.TERRAFORM,
            left_out=None,
            was_retried=False,
            queue_ms=100,
            run_ms=1000 + number,
            ended_at=NOW,
        )
        for number in range(good + bad)
    ]


def _report(good: int, bad: int) -> Report:
    found, used, leniency = measure(_facts(good, bad)), merged(DEFAULTS), Leniency()
    checks = checks_of(found, used)
    window = Window(start=NOW - timedelta(days=7), end=NOW, days=7)
    data = baseline_data(found, window, checks, used, leniency)
    return Report(
        schema_name=schema_of("baseline"),
        generator="gatewright 1.0.0",
        generated_at=NOW,
        valid_until=NOW + timedelta(hours=24),
        actor="operator",
        subject=SUBJECT,
        correlation_id="c1",
        window=window,
        outcome=outcome_of(checks, leniency),
        checks=checks,
        warnings=warnings_of(checks, leniency),
        data=data.model_dump(mode="json", by_alias=True),
    )


@pytest.mark.parametrize(
    ("good", "bad", "outcome", "codes"),
    [
        (40, 0, Outcome.PASS, set()),
        (20, 20, Outcome.FAIL, set()),
        (2, 1, Outcome.PASS, {"insufficient"}),
        (0, 0, Outcome.PASS, {"empty_sample"}),
    ],
)
def test_defaults_judge_what_was_measured(good: int, bad: int, outcome: Outcome, codes: set[str]) -> None:
    report = _report(good, bad)

    assert report.outcome is outcome
    assert {warning.code for warning in report.warnings} == codes
    assert fault_of(report.to_bytes(), now=NOW, subject=SUBJECT) is None


def test_broken_limit_says_number_limit_and_source() -> None:
    sentences = {check.name: check.sentence for check in _report(20, 20).checks}

    assert sentences["failedRate"] == "failedRate is 50.0 % of 40 runs; at most 10.0 % is allowed (default)."


@given(good=st.integers(0, 60), bad=st.integers(0, 60))
def test_report_survives_a_round_trip_byte_for_byte(good: int, bad: int) -> None:
    content = _report(good, bad).to_bytes()

    assert read_report(content).report.to_bytes() == content


@pytest.mark.parametrize(
    ("before", "after", "code", "words"),
    [
        pytest.param(b'"sampleSize": 4', b'"sampleSize": 5', "report_invalid", "sampleSize", id="sums"),
        pytest.param(b"gatewright/b", b"someone/b", "report_invalid", "schema", id="schema"),
        pytest.param(
            b"gatewright/baseline/v1", b"gatewright/other/v1", "report_invalid", "not known", id="kind"
        ),
        pytest.param(b'"data"', b'"date"', "report_invalid", "data", id="field"),
        pytest.param(b"{", b"", "report_invalid", "not a report", id="JSON"),
        pytest.param(b"2026-03-04T12:00:00Z", b"2026-03-05T12:00:00Z", "clock_skew", "future", id="future"),
        pytest.param(
            b"acme/infra", b"acme/other", "report_wrong_subject", "repo is acme/other", id="subject"
        ),
    ],
)
def test_changed_report_does_not_hold(before: bytes, after: bytes, code: str, words: str) -> None:
    content = _report(4, 0).to_bytes().replace(before, after, 1)
    assert content != _report(4, 0).to_bytes()

    fault = fault_of(content, now=NOW, subject=SUBJECT)

    assert fault is not None
    assert (fault.code, words in fault.sentence) == (code, True)


def test_report_expires_and_its_digest_is_compared() -> None:
    content = _report(4, 0).to_bytes()

    late = fault_of(content, now=NOW + timedelta(hours=24), subject=SUBJECT)
    other = fault_of(content, now=NOW, sha256="0" * 64)

    assert (late.code if late else None, other.code if other else None) == (
        "report_expired",
        "report_tampered",
    )


def test_unknown_number_is_an_error_and_not_a_crash() -> None:
    content = _report(4, 0).to_bytes().replace(b'"value": 1.0', b'"value": 1e999', 1)

    with pytest.raises(InvalidReportError):
        read_report(content)


def test_schema_of_the_kind_describes_its_data() -> None:
    schema = json_schema(KINDS["baseline"])

    assert schema["properties"]["schema"]["const"] == "gatewright/baseline/v1"
    assert "sampleSize" in schema["$defs"]["BaselineData"]["properties"]


def test_section_shows_values_limits_and_warnings() -> None:
    report = _report(2, 1)

    shown = section(report, BaselineData.model_validate(report.data))

    assert "### Baseline of staging: PASS" in shown
    assert "| failedRate | 33.3 % | 7.8 % | 74.6 % | 10.0 % (INCONCLUSIVE) |" in shown
    assert "- failedRate is 33.3 % of 3 runs" in shown
