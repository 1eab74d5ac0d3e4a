from __future__ import annotations

from bot.comments.checks.merge_queue import QueueRow, queue_apply_check, queue_plan_check
from bot.domain.core.model import PlanId
from tests.fakes.records import builders

THERE = QueueRow(stack=builders.stack(), is_there=True, release=PlanId("pabcdefg"))
MISSING = QueueRow(stack=builders.stack("prod"), is_there=False, release=None)


def test_a_group_whose_required_stacks_have_the_change_is_green() -> None:
    check = queue_apply_check([THERE])

    assert (check.conclusion, check.title) == ("success", "Every required stack has this change")
    assert "- staging: in place (newest release `pabcdefg`)" in check.summary


def test_a_group_that_touches_nothing_required_is_green_at_once() -> None:
    assert queue_apply_check([]).conclusion == "success"
    assert queue_plan_check([]).conclusion == "success"


def test_a_group_that_would_merge_something_else_is_red() -> None:
    check = queue_apply_check([THERE, MISSING])

    assert (check.conclusion, check.title) == ("failure", "1 of 2 required stacks do not have this change")


def test_a_group_that_cannot_be_read_is_red() -> None:
    assert queue_plan_check(None).conclusion == "failure"
    assert queue_apply_check(None).conclusion == "failure"
