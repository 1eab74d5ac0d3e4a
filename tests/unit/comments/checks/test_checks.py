from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from bot.comments.checks.checks import (
    CheckRow,
    CheckText,
    UndoneBy,
    apply_check,
    conflict_check,
    plan_check,
    unselected_check,
)
from bot.domain.core.model import PlanStatus, RunKind, RunStatus
from bot.domain.plans.plan import Counts
from tests.fakes.records import builders
from tests.unit.comments.samples import run

STAGING, PROD = builders.stack(), builders.stack("prod")
UNCHANGED = builders.plan(status=PlanStatus.NO_CHANGES, stack=PROD, summary=builders.summary(counts=Counts()))


def state_of(check: CheckText) -> str:
    """Return how it ended, or what GitHub is told that it waits for."""
    return check.conclusion or ("queued" if check.is_waiting else "in_progress")


def planning(status: RunStatus, **changes: str) -> CheckRow:
    return CheckRow(
        stack=PROD, run=run(kind=RunKind.PLAN, status=status, stack=PROD, plan_id=None, **changes)
    )


def test_the_plan_check_is_green_when_every_stack_is_planned() -> None:
    check = plan_check([CheckRow(stack=STAGING, plan=builders.plan()), CheckRow(stack=PROD, plan=UNCHANGED)])

    assert (check.conclusion, check.title) == ("success", "staging: 1 to add; prod: no changes")
    assert check.summary == snapshot("""\
| Stack | Plan | State |
| --- | --- | --- |
| staging | `pabcdefg` of `aaaaaaa`: 1 to add | planned |
| prod | `pabcdefg` of `aaaaaaa`: no changes | no changes |

""")


def test_the_plan_check_is_open_while_one_is_made() -> None:
    check = plan_check([CheckRow(stack=STAGING, plan=builders.plan()), planning(RunStatus.RUNNING)])

    assert (check.conclusion, check.title) == (None, "Planning 1 stack")


def test_plan_check_is_red_after_a_failure_and_names_commands() -> None:
    check = plan_check([planning(RunStatus.FAILED, summary="terraform plan ended with exit code 1")])

    assert (check.conclusion, check.title) == ("failure", "Planning failed for 1 stack")
    assert check.summary == snapshot("""\
| Stack | Plan | State |
| --- | --- | --- |
| prod | none | ❌ terraform plan ended with exit code 1 |

**Next**
- To plan prod again, comment `/plan prod`.
""")


def test_a_title_of_many_stacks_is_short() -> None:
    check = plan_check([CheckRow(stack=STAGING, plan=builders.plan())] * 50)

    assert check.title == "; ".join(["staging: 1 to add"] * 4) + "; 46 more"


@pytest.mark.parametrize("check", [plan_check, apply_check])
def test_a_pull_request_that_touches_nothing_is_green_at_once(check: type) -> None:
    assert check([]).conclusion == "success"
    assert check([]).title == "No stack is touched"


@pytest.mark.parametrize(
    ("status", "state", "title", "command"),
    [
        (PlanStatus.PLANNED, "queued", "Not applied yet: staging", "/apply staging"),
        (PlanStatus.STALE, "queued", "Not applied yet: staging", "/plan staging"),
        (PlanStatus.CANCELED, "queued", "Not applied yet: staging", "/plan staging"),
        (PlanStatus.APPLYING, "in_progress", "Applying staging", None),
        (PlanStatus.FAILED, "failure", "The apply failed: staging", "/plan staging"),
        (PlanStatus.APPLIED, "success", "Required environments are up to date: staging, prod", None),
        (PlanStatus.NO_CHANGES, "success", "Required environments are up to date: staging, prod", None),
    ],
)
def test_the_apply_check_follows_the_plans(
    status: PlanStatus, state: str, title: str, command: str | None
) -> None:
    rows = [CheckRow(stack=STAGING, plan=builders.plan(status=status)), CheckRow(stack=PROD, plan=UNCHANGED)]

    check = apply_check(rows)

    assert (state_of(check), check.title) == (state, title)
    assert (f"comment `{command}`" in check.summary) == (command is not None)


def test_an_unplanned_stack_has_to_be_planned_first() -> None:
    check = apply_check([CheckRow(stack=STAGING)])

    assert state_of(check) == "queued"
    assert "comment `/plan staging`" in check.summary


def test_a_conflict_is_red_where_planning_failed() -> None:
    plan, apply = (conflict_check(["main.tf"], is_red=is_red) for is_red in (True, False))

    assert (state_of(plan), state_of(apply)) == ("failure", "queued")
    assert "- `main.tf`\n" in plan.summary
    assert "Resolve the conflicts and push." in apply.summary


def test_nothing_is_red_that_waits_for_people() -> None:
    check = unselected_check()

    assert state_of(check) == "queued"
    assert "comment `/plan`" in check.summary


def test_touched_stacks_without_autoplan_are_named() -> None:
    plan = plan_check([CheckRow(stack=STAGING, plan=builders.plan())], unplanned=[PROD])
    alone = plan_check([], unplanned=[PROD])
    apply = apply_check([], unplanned=[PROD])

    assert (plan.conclusion, plan.title) == ("success", "staging: 1 to add")
    assert "| prod | none | touched, not planned |" in plan.summary
    assert "To plan prod, comment `/plan prod`" in plan.summary
    assert (alone.conclusion, alone.title) == ("success", "Not planned automatically: prod")
    assert (state_of(apply), apply.title) == ("queued", "Not applied yet: prod")


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.RUNNING])
def test_an_apply_that_was_asked_for_is_in_progress(status: RunStatus) -> None:
    change = run(kind=RunKind.APPLY, status=status, stack=STAGING)

    check = apply_check([CheckRow(stack=STAGING, plan=builders.plan(), run=change, change=change)])

    assert (state_of(check), check.title) == ("in_progress", "Applying staging")
    assert f"⏳ apply {status}" in check.summary
    assert "**Next**" not in check.summary


def test_an_apply_does_not_reopen_the_check_of_plans() -> None:
    change = run(kind=RunKind.APPLY, status=RunStatus.RUNNING, stack=STAGING)

    check = plan_check([CheckRow(stack=STAGING, plan=builders.plan(), run=change, change=change)])

    assert check.conclusion == "success"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (PlanStatus.PLANNED, "failure"),
        (PlanStatus.APPLIED, "failure"),
        (PlanStatus.STALE, "failure"),
        (PlanStatus.NO_CHANGES, "success"),
    ],
)
def test_failed_apply_is_red_until_nothing_is_left_to_do(status: PlanStatus, state: str) -> None:
    check = apply_check([CheckRow(stack=STAGING, plan=builders.plan(status=status), apply_failed=True)])

    assert state_of(check) == state


def test_a_failed_look_is_not_red() -> None:
    look = run(kind=RunKind.PLAN, status=RunStatus.FAILED, stack=PROD, plan_id=None)

    check = plan_check([CheckRow(stack=PROD, run=look, is_optional=True)])

    assert check.conclusion == "success"


def test_merge_without_an_apply_says_so_and_names_its_stacks() -> None:
    check = apply_check([], others=2)

    assert check.conclusion == "success"
    assert check.title == "Nothing has to be applied before the merge"


def test_what_pending_revert_keeps_from_being_planned_is_not_green() -> None:
    rows = [CheckRow(stack=STAGING, paused=True), CheckRow(stack=PROD, plan=UNCHANGED)]

    plan, apply = plan_check(rows), apply_check(rows)

    assert (state_of(plan), plan.title) == ("queued", "1 stack not planned while a revert is pending")
    assert "| staging | none | ⏸️ not planned: a revert is pending |" in plan.summary
    assert (state_of(apply), apply.title) == ("queued", "Not applied yet: staging")


def test_what_was_applied_and_reverted_is_not_applied() -> None:
    applied = builders.plan(status=PlanStatus.APPLIED)

    check = apply_check([CheckRow(stack=STAGING, plan=applied, undone_by=UndoneBy.REVERTED)])

    assert (state_of(check), check.title) == ("queued", "Not applied yet: staging")
    assert "↩️ applied, and undone by a revert" in check.summary
    assert "`/plan staging`" in check.summary
