"""Which ended runs are measured, and the facts that are kept of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.core.model import FailureClass, Run, RunKind, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL

_MEASURED: Final = frozenset({RunKind.APPLY, RunKind.DESTROY, RunKind.REVERT, RunKind.SYNC})
"""Kinds that are measured once they have recorded an intent."""


class LeftOut(StrEnum):
    """Why an ended run is not measured; the values are stored and shown in reports."""

    PLAN = "plan"
    DRILL = "drill"
    NOT_STARTED = "not_started"
    """It ended before its intent was recorded: refused, canceled while queued, or an author's error."""
    OTHER_KIND = "other_kind"
    """Drift checks, data refreshes and state restores."""


class Result(StrEnum):
    """How a measured run ended; the values are stored, and each has its rate."""

    SUCCESS = "success"
    FAILED = "failed"
    """Failed or interrupted."""
    CANCELED = "canceled"
    TIMEOUT = "timeout"


_RESULTS: Final = {
    RunStatus.SUCCEEDED: Result.SUCCESS,
    RunStatus.FAILED: Result.FAILED,
    RunStatus.INTERRUPTED: Result.FAILED,
    RunStatus.CANCELED: Result.CANCELED,
    RunStatus.TIMED_OUT: Result.TIMEOUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """What is measured of one ended run."""

    run_id: str
    kind: RunKind
    result: Result
    failure_class: FailureClass | None
    left_out: LeftOut | None
    """None for a run that is measured."""
    was_retried: bool
    """A verification that passed, but only when a check was repeated."""
    queue_ms: int
    """From the request to the start."""
    run_ms: int
    """From the start to the end."""
    ended_at: datetime


def fact_of(run: Run, *, was_retried: bool = False) -> RunFact:
    """Return the facts of an ended run; raises ValueError for a run that has not ended."""
    if run.status not in TERMINAL or run.finished_at is None:
        raise ValueError(f"run {run.id} has not ended")
    started = run.started_at or run.finished_at
    return RunFact(
        run_id=run.id,
        kind=run.kind,
        result=_RESULTS[run.status],
        failure_class=run.failure_class,
        left_out=left_out(
            run.kind, has_intent=run.intent_at is not None, was_started=run.started_at is not None
        ),
        was_retried=was_retried,
        queue_ms=_milliseconds(run.created_at, started),
        run_ms=_milliseconds(started, run.finished_at),
        ended_at=run.finished_at,
    )


def left_out(kind: RunKind, *, has_intent: bool, was_started: bool) -> LeftOut | None:
    """Return why a run is not measured, None if it is."""
    if kind is RunKind.PLAN:
        return LeftOut.PLAN
    if kind is RunKind.DRILL:
        return LeftOut.DRILL
    if kind is RunKind.VERIFY:
        return None if was_started else LeftOut.NOT_STARTED
    if kind in _MEASURED:
        return None if has_intent else LeftOut.NOT_STARTED
    return LeftOut.OTHER_KIND


def _milliseconds(start: datetime, end: datetime) -> int:
    # Two processes may have clocks that differ.
    return max(0, round((end - start).total_seconds() * 1000))
