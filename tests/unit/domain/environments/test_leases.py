"""When a destroy is tried again, and when an environment is idle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.core.model import Run, RunKind, RunStatus
from bot.domain.environments.leases import destroy_again_at, failed_destroys, idle_since, may_exist
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON

MINUTE = timedelta(minutes=1)


def change(kind: RunKind, status: RunStatus, *, begun: bool = True) -> Run:
    return builders.run(kind=kind, status=status, intent_at=NOON if begun else None, finished_at=NOON)


APPLIED = change(RunKind.APPLY, RunStatus.SUCCEEDED)
REFUSED = change(RunKind.APPLY, RunStatus.FAILED, begun=False)
DESTROYED = change(RunKind.DESTROY, RunStatus.SUCCEEDED)
FAILED = change(RunKind.DESTROY, RunStatus.FAILED)
LOST = change(RunKind.DESTROY, RunStatus.INTERRUPTED)
CANCELED = change(RunKind.DESTROY, RunStatus.CANCELED)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        pytest.param([], False, id="nothing was ever begun"),
        pytest.param([REFUSED], False, id="an apply that the gates stopped"),
        pytest.param([APPLIED], True, id="applied"),
        pytest.param([REFUSED, APPLIED], True, id="applied, and a later apply was stopped"),
        pytest.param([DESTROYED, APPLIED], False, id="destroyed"),
        pytest.param([FAILED, APPLIED], True, id="its destroy failed"),
        pytest.param([APPLIED, DESTROYED], True, id="applied again"),
    ],
)
def test_something_stands_until_a_destroy_has_succeeded(changes: list[Run], *, standing: bool) -> None:
    assert may_exist(changes) is standing


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        pytest.param([APPLIED], None, id="nothing has failed"),
        pytest.param([FAILED, APPLIED], NOON + MINUTE, id="after the first failure"),
        pytest.param([LOST, FAILED, APPLIED], NOON + 2 * MINUTE, id="later after the second"),
        pytest.param([FAILED, LOST, FAILED, APPLIED], None, id="not after the third"),
        pytest.param([CANCELED, FAILED, APPLIED], None, id="not after somebody has canceled it"),
        pytest.param([FAILED, APPLIED, FAILED, FAILED], NOON + MINUTE, id="an apply begins the count anew"),
    ],
)
def test_a_failed_destroy_is_tried_again_later_and_later(changes: list[Run], again: object) -> None:
    assert destroy_again_at(changes, MINUTE) == again


def test_failures_are_counted_back_to_last_thing_that_was_none() -> None:
    assert failed_destroys([FAILED, LOST, DESTROYED, FAILED]) == 2


def test_idle_time_starts_with_the_end_of_the_last_run() -> None:
    later = replace(APPLIED, finished_at=NOON + MINUTE)
    working = replace(APPLIED, status=RunStatus.RUNNING, finished_at=None)

    assert idle_since(NOON, []) == NOON
    assert idle_since(NOON, [later, APPLIED]) == NOON + MINUTE
    assert idle_since(NOON, [working, APPLIED]) is None
