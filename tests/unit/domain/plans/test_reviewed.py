from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.core.model import PlanId
from bot.domain.plans.plan import Action, PlanRecord, ResourceChange
from bot.domain.plans.reviewed import seen_before, unseen_losses
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON


def plan(**rows: Action) -> PlanRecord:
    """Return a plan that does something to each resource of `a`."""
    resources = tuple(
        ResourceChange(address=f"a.{name}", type="a", action=action) for name, action in rows.items()
    )
    return builders.plan(summary=builders.summary(resources=resources))


@pytest.mark.parametrize(
    ("posted_at", "merged_at", "expected"),
    [
        pytest.param(NOON, NOON + timedelta(seconds=1), True, id="posted before"),
        pytest.param(NOON, NOON, True, id="in the same second"),
        pytest.param(NOON, None, True, id="merged nobody knows when"),
        pytest.param(NOON, NOON - timedelta(seconds=1), False, id="posted after"),
        pytest.param(None, NOON, False, id="never posted"),
        pytest.param(None, None, False, id="never posted, merged nobody knows when"),
    ],
)
def test_plan_was_seen_when_it_was_posted_before_the_merge(
    posted_at: datetime | None, merged_at: datetime | None, *, expected: bool
) -> None:
    made = builders.plan(posted_at=posted_at)

    assert seen_before([made], merged_at) == ((made,) if expected else ())


def test_a_way_back_counts_although_nobody_has_read_it() -> None:
    back = builders.plan(posted_at=None, reverts_to=PlanId("pccccccc"))

    assert seen_before([back], NOON) == (back,)


@pytest.mark.parametrize(
    ("planned", "seen", "expected"),
    [
        pytest.param(plan(x=Action.DESTROY), [plan(x=Action.DESTROY)], (), id="shown"),
        pytest.param(plan(x=Action.DESTROY), [], ("a.x",), id="nothing shown"),
        pytest.param(plan(x=Action.DESTROY), [plan(y=Action.DESTROY)], ("a.x",), id="another one shown"),
        pytest.param(plan(x=Action.DESTROY), [plan(x=Action.REPLACE)], ("a.x",), id="a replacement shown"),
        pytest.param(plan(x=Action.REPLACE), [plan(x=Action.CHANGE)], ("a.x",), id="a change shown"),
        pytest.param(plan(x=Action.FORGET), [plan()], ("a.x",), id="let go of"),
        pytest.param(plan(x=Action.ADD, y=Action.CHANGE, z=Action.MOVE), [], (), id="nothing lost"),
        pytest.param(
            plan(x=Action.DESTROY, y=Action.REPLACE),
            [plan(x=Action.DESTROY), plan(y=Action.REPLACE)],
            (),
            id="shown by several",
        ),
    ],
)
def test_plan_lost_before_it_was_shown_is_found_by_address(
    planned: PlanRecord, seen: list[PlanRecord], expected: tuple[str, ...]
) -> None:
    assert unseen_losses(planned, seen) == expected


def test_an_address_is_told_once() -> None:
    twice = plan(x=Action.DESTROY)
    rows = twice.summary.resources
    doubled = replace(twice, summary=replace(twice.summary, resources=(*rows, *rows)))

    assert unseen_losses(doubled, []) == ("a.x",)
