from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.core.model import FailureClass, RunKind, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.measures.baseline import RATES, measure
from bot.domain.measures.counting import LeftOut, Result, RunFact, fact_of, left_out
from tests.fakes.records.builders import run

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = st.builds(
    RunFact,
    run_id=st.just("r1"),
    kind=st.sampled_from([RunKind.APPLY, RunKind.VERIFY]),
    result=st.sampled_from(Result),
    failure_class=st.none() | st.sampled_from(FailureClass),
    left_out=st.none() | st.sampled_from(LeftOut),
    was_retried=st.booleans(),
    queue_ms=st.integers(0, 10**7),
    run_ms=st.integers(0, 10**7),
    ended_at=st.just(NOON),
)


@pytest.mark.parametrize(
    ("kind", "has_intent", "was_started", "reason"),
    [
        (RunKind.APPLY, True, True, None),
        (RunKind.DESTROY, True, True, None),
        (RunKind.REVERT, True, True, None),
        (RunKind.SYNC, True, True, None),
        (RunKind.VERIFY, False, True, None),
        (RunKind.APPLY, False, True, LeftOut.NOT_STARTED),
        (RunKind.VERIFY, False, False, LeftOut.NOT_STARTED),
        (RunKind.PLAN, False, True, LeftOut.PLAN),
        (RunKind.DRILL, True, True, LeftOut.DRILL),
        (RunKind.DRIFT, False, True, LeftOut.OTHER_KIND),
        (RunKind.RESTORE, True, True, LeftOut.OTHER_KIND),
    ],
)
def test_runs_that_changed_something_are_measured(
    *, kind: RunKind, has_intent: bool, was_started: bool, reason: LeftOut | None
) -> None:
    assert left_out(kind, has_intent=has_intent, was_started=was_started) is reason


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_each_ended_run_has_its_times(status: RunStatus) -> None:
    ended = replace(
        run(kind=RunKind.APPLY, status=status),
        created_at=NOON,
        intent_at=NOON,
        started_at=NOON + timedelta(seconds=2),
        finished_at=NOON + timedelta(seconds=7),
    )

    found = fact_of(ended)

    assert (found.queue_ms, found.run_ms, found.left_out) == (2000, 5000, None)


def test_run_that_goes_on_has_no_facts() -> None:
    with pytest.raises(ValueError, match="has not ended"):
        fact_of(run(kind=RunKind.APPLY, status=RunStatus.RUNNING))


@given(facts=st.lists(FACTS, max_size=60), data=st.data())
def test_rates_sum_to_one_in_any_order(facts: list[RunFact], data: st.DataObject) -> None:
    found = measure(facts)
    total = sum(found.rates[name].value or 0 for name in RATES)

    assert total == pytest.approx(1.0 if found.samples else 0.0)
    assert measure(data.draw(st.permutations(facts))) == found
    assert found.samples + sum(found.left_out.values()) == len(facts)
