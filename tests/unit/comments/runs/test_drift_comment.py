"""What `/drift` answers."""

from __future__ import annotations

from bot.comments.runs.drift import DriftView, drift_comment
from bot.domain.core.model import RunKind, RunStatus
from tests.unit.comments.samples import run


def test_why_no_issue_reports_the_drift_is_said() -> None:
    missing = (
        "acme has not granted the App Issues (write); an owner of acme must accept what the App asks for"
    )
    view = DriftView(
        run=run(kind=RunKind.DRIFT, status=RunStatus.SUCCEEDED, summary="1 differs."),
        run_url=None,
        no_issue=missing,
    )

    body = drift_comment(view)

    assert "⚠️ No issue reports this. Acme has not granted the App Issues (write)" in body


def test_an_issue_that_was_written_is_linked_without_further_words() -> None:
    view = DriftView(run=run(kind=RunKind.DRIFT, status=RunStatus.SUCCEEDED), run_url=None, issue=7)

    body = drift_comment(view)

    assert "issue #7" in body
    assert "No issue reports this" not in body
