"""What is said of a revert where there is no apply to tell of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.comments.pulls.freed import freed_comment
from bot.comments.runs.plan import PlanView, plan_comment
from bot.comments.runs.revert import RevertView
from bot.domain.core.model import PlanId, PlanStatus, RunId
from bot.domain.environments.waits import Wait, WaitReason
from bot.domain.plans.plan import Counts
from bot.domain.releases.revert import Revert
from tests.fakes.accounts import account
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON
from tests.unit.comments.samples import RUN_URL

REVERT = Revert(
    run_id=RunId("r123456789abcdef"),
    stack=builders.stack(),
    pull=7,
    target=PlanId("p2222222"),
    undone=(),
    asked_by=account("dev"),
    asked_at=NOON,
)


def no_changes(revert: Revert) -> str:
    """Return the comment of a revert's plan that changes nothing."""
    summary = builders.summary(counts=Counts(), has_changes=False)
    plan = builders.plan(status=PlanStatus.NO_CHANGES, summary=summary, reverts_to=revert.target)
    shown = RevertView(revert=revert, target=None, undone=())
    return plan_comment(PlanView(plan=plan, run_url=RUN_URL, revert=shown))


def test_interrupted_revert_that_had_finished_is_reported_as_ended() -> None:
    ended = replace(
        REVERT,
        finished_at=NOON + timedelta(minutes=4),
        found={"replan": "empty", "outputs": []},
        opened_pull=12,
    )

    told, open_still = no_changes(ended), no_changes(REVERT)

    for words in (
        "**The revert that was cut off has done all of its work.**",
        "it has nothing left to do",
        "Time to recover: **4 min",
        "`staging` is **on hold**",
        "pull request #12",
    ):
        assert words in told
        assert words not in open_still


def test_push_during_a_pending_revert_is_answered_when_planning_resumes() -> None:
    wait = Wait(stack=builders.stack(), pull=7, reason=WaitReason.REVERT, since=NOON, number=3)

    body = freed_comment(wait, freed_by=None, current=None)

    assert "**staging is free.** No revert is pending there any more." in body
    assert "so it is being planned again" in body
