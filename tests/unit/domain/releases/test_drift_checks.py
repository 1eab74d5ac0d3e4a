"""What a check for changes from outside keeps, and which plans explain it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.core.model import Run, RunKind, RunStatus, StateIdentity
from bot.domain.plans.drift import outside_changes, real_drift
from bot.domain.plans.plan import Action, ResourceChange
from bot.domain.releases.drift_checks import as_detail, drift_line, drifted, how_many, unexplained
from tests.fakes.records import builders as make

STATE = StateIdentity(serial=4, lineage="one", sha256="0" * 64)
LATER = make.NOON + timedelta(hours=1)


def _row(address: str = "aws_s3_bucket.logs", *, diff: str = "~ acl", gone: bool = False) -> ResourceChange:
    return ResourceChange(
        address=address, type="aws_s3_bucket", action=Action.DESTROY if gone else Action.CHANGE, diff=diff
    )


def _check(*rows: ResourceChange, before: Run | None = None, hours: int = 0) -> Run:
    now = make.NOON + timedelta(hours=hours)
    run = make.run(kind=RunKind.DRIFT, status=RunStatus.SUCCEEDED)
    return replace(run, detail=as_detail(rows, before=before, state=STATE, now=now))


def test_change_is_dated_by_first_check_of_an_unbroken_row() -> None:
    first = _check(_row("a"), _row("b", diff="~ one"))

    second = _check(_row("a"), _row("b", diff="~ two"), _row("c"), before=first, hours=1)
    none = _check(before=second, hours=2)
    back = _check(_row("a"), before=none, hours=3)

    assert [(row.address, row.since.hour) for row in drifted(second)] == [("a", 12), ("b", 13), ("c", 13)]
    assert [(row.address, row.since.hour) for row in drifted(back)] == [("a", 15)]


@pytest.mark.parametrize(
    ("created", "arguments", "expected"),
    [
        pytest.param(-1, (), ("a", "b"), id="a plan made before both does not show them"),
        pytest.param(0, (), ("b",), id="a plan made since the first shows that one"),
        pytest.param(1, (), (), id="a plan made since both shows them"),
        pytest.param(2, ("-target=c",), ("a", "b"), id="a targeted plan shows nothing"),
        pytest.param(2, ("-refresh=false",), ("a", "b"), id="a plan without refresh shows nothing"),
        pytest.param(2, ("-parallelism=2",), (), id="other arguments take nothing away"),
    ],
)
def test_a_plan_explains_what_it_was_made_after(
    created: int, arguments: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    check = _check(_row("a"), _row("b"), before=_check(_row("a")), hours=1)
    plan = make.plan(created_at=make.NOON + timedelta(hours=created), arguments=arguments)

    assert unexplained(check, plan) == expected
    assert unexplained(None, plan) == ()


def test_of_many_resources_number_is_kept_and_diffs_of_first() -> None:
    check = _check(*(_row(f"a[{number}]", diff="x" * 9000) for number in range(700)))

    assert how_many(check) == 700
    assert len(drifted(check)) == 500
    assert [len(row.diff) for row in drifted(check)[48:52]] == [4000, 4000, 0, 0]


@pytest.mark.parametrize(
    ("found", "gone", "said"),
    [
        (0, 0, "Nothing was changed outside Terraform."),
        (1, 0, "1 resource was changed outside Terraform."),
        (3, 1, "3 resources were changed outside Terraform, 1 of them deleted."),
    ],
)
def test_the_number_is_said_in_words(found: int, gone: int, said: str) -> None:
    assert drift_line(found, gone) == said


def _item(before: Any, after: Any, *, mode: str = "managed", actions: tuple[str, ...] = ("update",)) -> Any:
    return {
        "address": "a.b",
        "mode": mode,
        "change": {"actions": list(actions), "before": before, "after": after},
    }


@pytest.mark.parametrize(
    ("item", "told"),
    [
        pytest.param(_item({"size": 1}, {"size": 2}), True, id="an attribute that no plan depends on"),
        pytest.param(_item({"size": 1}, None, actions=("delete",)), True, id="deleted"),
        pytest.param(_item({"tags": None}, {"tags": {}}), False, id="null against empty"),
        pytest.param(_item({"size": 1}, {"size": 1}, actions=("no-op",)), False, id="moved only"),
        pytest.param(_item({"size": 1}, {"size": 2}, mode="data"), False, id="a data source"),
    ],
)
def test_a_refresh_only_plan_tells_every_change_that_says_something(item: Any, *, told: bool) -> None:
    assert bool(outside_changes({"resource_drift": [item]})) is told


def test_another_plan_leaves_out_what_does_not_matter_to_it() -> None:
    assert real_drift({"resource_drift": [_item({"size": 1}, {"size": 2})]}) == []
