from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.comments.checks.ephemeral import Life, life_check
from bot.domain.core.model import Run, RunKind, RunStatus
from tests.unit.comments.samples import RUN_URL, run

_PLAN = run(kind=RunKind.PLAN, intent_at=None)
_DESTROY = run(kind=RunKind.DESTROY)
_VERIFY = run(kind=RunKind.VERIFY, intent_at=None)


def _life(**changes: Any) -> Life:
    made = Life(
        stack=_PLAN.stack,
        plan=_PLAN,
        has_changes=True,
        apply=run(),
        verify=_VERIFY,
        destroy=_DESTROY,
        attempts_left=0,
    )
    return replace(made, **changes)


def _as(one: Run, status: RunStatus) -> Run:
    return replace(one, status=status)


@pytest.mark.parametrize(
    ("life", "conclusion", "title"),
    [
        pytest.param(_life(), "success", "Applied, verified and destroyed", id="all good"),
        pytest.param(
            _life(plan=_as(_PLAN, RunStatus.RUNNING), apply=None), None, "Planning", id="being planned"
        ),
        pytest.param(
            _life(plan=_as(_PLAN, RunStatus.FAILED), apply=None),
            "failure",
            "It could not be planned",
            id="plan failed",
        ),
        pytest.param(_life(apply=None), None, "To be applied", id="planned"),
        pytest.param(
            _life(apply=None, has_changes=False), "success", "Nothing to apply", id="nothing to apply"
        ),
        pytest.param(
            _life(apply=_as(run(), RunStatus.RUNNING), destroy=None), None, "Applying", id="being applied"
        ),
        pytest.param(
            _life(apply=run(status=RunStatus.FAILED, intent_at=None), destroy=None),
            "failure",
            "It was not applied",
            id="refused before it began",
        ),
        pytest.param(_life(destroy=None), None, "Applied; destroying", id="destroy not begun"),
        pytest.param(
            _life(apply=_as(run(), RunStatus.INTERRUPTED)),
            "failure",
            "The apply did not succeed; destroyed",
            id="server lost while applying",
        ),
        pytest.param(
            _life(verify=_as(_VERIFY, RunStatus.FAILED)),
            "failure",
            "A check after the apply failed; destroyed",
            id="verification failed",
        ),
        pytest.param(
            _life(destroy=_as(_DESTROY, RunStatus.FAILED), attempts_left=2),
            None,
            "The destroy failed and is tried again",
            id="destroy failed once",
        ),
        pytest.param(
            _life(destroy=_as(_DESTROY, RunStatus.FAILED)), "failure", "The destroy failed", id="given up"
        ),
    ],
)
def test_the_check_tells_where_an_ephemeral_environment_is(
    life: Life, conclusion: str | None, title: str
) -> None:
    check = life_check(life, RUN_URL)

    assert (check.conclusion, check.title) == (conclusion, title)


def test_a_destroy_that_is_given_up_says_what_to_do() -> None:
    given_up = life_check(_life(destroy=_as(_DESTROY, RunStatus.TIMED_OUT)), RUN_URL)

    assert f"`/destroy {_PLAN.stack.env}`" in given_up.summary
    assert "| destroy | timed out |" in given_up.summary
    assert "/destroy" not in life_check(_life(), RUN_URL).summary
