from __future__ import annotations

from datetime import timedelta

from bot.domain.core.model import EnvName, PlanId, ProjectName
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.plans.choice import choose_plan
from bot.domain.plans.plan import PlanRecord
from tests.fakes.records import builders

OLD = builders.plan(id=PlanId("poooooo2"), posted_at=builders.NOON)
NEW = builders.plan(id=PlanId("pnnnnnn2"), posted_at=builders.NOON + timedelta(minutes=5))


def choose(*plans: PlanRecord, named: str | None = None, minutes: float = 10) -> PlanRecord | Refusal:
    return choose_plan(
        plans,
        named=PlanId(named) if named else None,
        asked_at=builders.NOON + timedelta(minutes=minutes),
        env=EnvName("staging"),
        project=ProjectName("default"),
    )


def test_newest_plan_that_was_posted_before_the_comment_is_meant() -> None:
    assert choose(NEW, OLD) is NEW


def test_without_a_plan_the_command_to_make_one_is_given() -> None:
    refusal = choose()

    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.next_command) == (Reason.NO_PLAN, "/plan staging")


def test_plan_posted_after_the_comment_is_not_meant_by_it() -> None:
    refusal = choose(NEW, OLD, minutes=4)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.PLAN_NEWER_THAN_COMMAND
    assert refusal.next_command == "/apply staging pnnnnnn2"


def test_plan_posted_in_the_comments_second_is_not_meant() -> None:
    assert isinstance(choose(NEW, minutes=5), Refusal)


def test_a_plan_whose_comment_never_arrived_is_not_meant() -> None:
    assert isinstance(choose(builders.plan(posted_at=None)), Refusal)


def test_named_plan_is_meant_even_when_newer_than_the_comment() -> None:
    assert choose(NEW, OLD, named="pnnnnnn2", minutes=1) is NEW


def test_a_named_plan_of_nobody_is_refused() -> None:
    refusal = choose(NEW, named="pzzzzzz2")

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NO_PLAN


def test_no_plan_is_asked_for_that_nobody_may_apply() -> None:
    refusal = choose_plan(
        [],
        named=None,
        asked_at=builders.NOON,
        env=EnvName("ci"),
        project=ProjectName("default"),
        is_possible=False,
    )

    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.next_command) == (Reason.PERMISSION, "/status")
    assert refusal.sentence == "Nobody may apply ci: the policy gives it no `apply.allow`."
