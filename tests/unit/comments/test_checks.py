from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from bot.comments.checks import CheckRow, TakenBack, apply_check, conflict_check, plan_check
from bot.domain.model import PlanStatus, RunKind, RunStatus
from bot.domain.plan import Counts
from tests.fakes import builders
from tests.unit.comments.samples import run

STAGING, PROD = builders.stack(), builders.stack("prod")
UNCHANGED = builders.plan(status=PlanStatus.NO_CHANGES, stack=PROD, summary=builders.summary(counts=Counts()))


def planning(status: RunStatus, **changes: str) -> CheckRow:
    return CheckRow(stack=PROD, run=run(kind=RunKind.PLAN, status=status, stack=PROD, **changes))


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


def test_the_plan_check_is_red_when_one_failed_and_says_what_to_do() -> None:
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
    ("status", "conclusion", "title", "command"),
    [
        (PlanStatus.PLANNED, "action_required", "1 stack not applied yet", "/apply staging"),
        (PlanStatus.STALE, "action_required", "1 stack not applied yet", "/plan staging"),
        (PlanStatus.CANCELED, "action_required", "1 stack not applied yet", "/plan staging"),
        (PlanStatus.APPLYING, None, "Applying 1 stack", None),
        (PlanStatus.FAILED, "failure", "The apply failed for 1 stack", "/plan staging"),
        (PlanStatus.APPLIED, "success", "2 stacks applied or unchanged", None),
        (PlanStatus.NO_CHANGES, "success", "2 stacks applied or unchanged", None),
    ],
)
def test_the_apply_check_follows_the_plans(
    status: PlanStatus, conclusion: str | None, title: str, command: str | None
) -> None:
    rows = [CheckRow(stack=STAGING, plan=builders.plan(status=status)), CheckRow(stack=PROD, plan=UNCHANGED)]

    check = apply_check(rows)

    assert (check.conclusion, check.title) == (conclusion, title)
    assert (f"comment `{command}`" in check.summary) == (command is not None)


def test_an_unplanned_stack_has_to_be_planned_first() -> None:
    check = apply_check([CheckRow(stack=STAGING)])

    assert check.conclusion == "action_required"
    assert "comment `/plan staging`" in check.summary


def test_a_conflict_is_red() -> None:
    check = conflict_check(["main.tf"])

    assert check.conclusion == "failure"
    assert "- `main.tf`\n" in check.summary


def test_a_merge_that_needs_no_apply_says_so_instead_of_denying_that_stacks_are_touched() -> None:
    check = apply_check([], others=2)

    assert check.conclusion == "success"
    assert check.title == "Nothing has to be applied before the merge"


def test_what_a_pending_revert_keeps_from_being_planned_is_not_green() -> None:
    rows = [CheckRow(stack=STAGING, paused=True), CheckRow(stack=PROD, plan=UNCHANGED)]

    plan, apply = plan_check(rows), apply_check(rows)

    assert (plan.conclusion, plan.title) == (
        "action_required",
        "1 stack not planned while a revert is pending",
    )
    assert "| staging | none | ⏸️ not planned: a revert is pending |" in plan.summary
    assert (apply.conclusion, apply.title) == ("action_required", "1 stack not applied yet")


def test_what_was_applied_and_reverted_is_not_applied() -> None:
    applied = builders.plan(status=PlanStatus.APPLIED)

    check = apply_check([CheckRow(stack=STAGING, plan=applied, taken_back=TakenBack.REVERTED)])

    assert (check.conclusion, check.title) == ("action_required", "1 stack not applied yet")
    assert "↩️ applied, and taken back by a revert" in check.summary
    assert "`/plan staging`" in check.summary
