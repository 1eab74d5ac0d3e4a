"""kill -9 at every stage, one after the other: whatever was begun is done once, told once, and never applied twice."""

from __future__ import annotations

import re

import pytest

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.dying import die_in_turn, died, settled, start_dying
from tests.e2e.crash.dying_bot import POINTS
from tests.e2e.crash.scene import change, count, opened, planned, told
from tests.e2e.world import next_second, state_client

_PLANNING = ("accepted", "check-created", "checkout", "plan", "planned", "plan-comment", "plan-commented")
_APPLYING = ("accepted", "queued", "intent")
_TELLING = ("result-comment", "result-commented")


@pytest.fixture
def settings() -> dict[str, str]:
    """What is delivered while nobody is there is looked for."""
    return {"GATEWRIGHT_RECONCILE_SECONDS": "1"}


async def test_plan_survives_a_kill_at_each_stage_once_reported(own: Playground) -> None:
    # Given a bot, and each of its successors, that is killed one stage further,
    await own.bot.stop(kill=True)
    await start_dying(own, _PLANNING[0])
    seen = await opened(own, "plan")
    # when the last one lives,
    await die_in_turn(own, _PLANNING)
    # then there is one plan, one comment, one check of each name, and no process of a killed plan.
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    await settled(own)
    assert told(seen, "plan") == ["staging planned"]
    checks = own.github.check_runs(REPO, own.github.pull(REPO, seen.number).head_sha)
    assert sorted((check.name, check.conclusion or check.status) for check in checks) == [
        ("gatewright/apply", "queued"),
        ("gatewright/plan", "success"),
    ]


@pytest.mark.parametrize("points", [("plan-commented", "plan-updated"), ("plan-updated",)])
async def test_command_counts_for_a_plan_shown_before_a_kill(
    own: Playground, points: tuple[str, ...]
) -> None:
    # Given a bot that is killed when it has shown a plan, in a new comment or in that of an older plan,
    if points == ("plan-updated",):
        seen = await planned(own, "shown")
        await own.bot.stop(kill=True)
        await start_dying(own, points[0])
        head = await change(own, "shown", "again")
    else:
        await own.bot.stop(kill=True)
        await start_dying(own, points[0])
        seen = await opened(own, "shown")
        head = own.github.pull(REPO, seen.number).head_sha
    await died(own)
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned", "head": head})
    # when somebody who reads it applies it before a successor has recorded that, which may be killed as well,
    await next_second()
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await next_second()
    await die_in_turn(own, points)
    # then the command means this plan.
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied", "head": head})
    await settled(own)
    assert told(seen, "refusal") == []


async def test_apply_survives_kills_around_terraform_and_is_reported_once(own: Playground) -> None:
    # Given a bot that is killed after the answer to the webhook, before the intent,
    seen = await planned(own, "apply")
    await own.bot.stop(kill=True)
    await start_dying(own, _APPLYING[0])
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await die_in_turn(own, (*_APPLYING, *_TELLING))
    # when the last one lives, then it was applied once and told once.
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await settled(own)
    assert count(own) == 1
    assert told(seen, "apply") == ["staging applied"]


async def test_an_apply_whose_beginning_was_being_told_has_one_deployment(own: Playground) -> None:
    # Given a bot that is killed just after it told GitHub of an apply that has begun,
    seen = await planned(own, "deployment")
    await own.bot.stop(kill=True)
    await start_dying(own, "deployment")
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    # when its successor goes on,
    await die_in_turn(own, ("deployment",))
    # then there is one deployment, and it tells how the apply ended.
    await seen.hear({"kind": "apply", "env": "staging", "status": "interrupted"})
    await settled(own)
    (deployment,) = own.github.deployments(REPO)
    assert deployment.statuses[-1].state == "error"
    assert count(own) <= 1


@pytest.mark.parametrize(
    ("point", "applied", "words"),
    [("start", 0, "No change is recorded"), ("applied", 1, "The state was changed")],
)
async def test_apply_that_lost_its_server_is_explained_and_planned_anew(
    own: Playground, point: str, applied: int, words: str
) -> None:
    # Given a bot that is killed between the intent and Terraform's start, or between Terraform's end and its record,
    seen = await planned(own, "lost")
    await own.bot.stop(kill=True)
    await start_dying(own, point)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    # when its successor finds the intent,
    await die_in_turn(own, (point,))
    # then it says what became of the state, applies nothing, and plans anew.
    assert words in (await seen.hear({"kind": "apply", "env": "staging", "status": "interrupted"})).body
    left = "no_changes" if applied else "planned"
    await seen.hear({"kind": "plan", "env": "staging", "status": left})
    await settled(own)
    assert count(own) == applied


async def test_restore_that_lost_its_server_says_whether_state_was_written(own: Playground) -> None:
    # Given an applied change, whose state somebody restores after it was damaged,
    seen = await planned(own, "restore")
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    applied = await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await settled(own)
    serial = re.findall(r"(?:\(serial|serial \d+ →) (\d+)", applied.body)[0]
    with state_client(own) as client:
        client.put_object(Bucket=own.s3.state_bucket, Key="staging/terraform.tfstate", Body=b"damaged")
    for point, status, words in (
        ("restore", "interrupted", "it is what it was"),
        ("restored", "restored", f"Serial {serial} was restored"),
    ):
        await own.bot.stop(kill=True)
        await start_dying(own, point)
        # when the bot is killed just before, or just after, it writes the state,
        body = f"/state restore staging {serial} --confirm 0"
        await own.github.comment(REPO, seen.number, author="admin", body=body)
        await die_in_turn(own, (point,))
        # then its successor says which, writes nothing itself, and leaves no lock.
        said = await seen.hear({"kind": "restore", "env": "staging", "status": status})
        assert words in said.body
        await settled(own)
    assert told(seen, "restore") == ["staging interrupted", "staging restored"]
    assert count(own) == 1


async def test_what_was_given_up_before_a_kill_is_told_afterwards(own: Playground) -> None:
    # Given an applied change, an environment on hold, and a bot that is killed when it has carried out a command,
    seen = await planned(own, "given-up")
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await own.github.comment(REPO, seen.number, author="admin", body="/hold staging we look at it")
    await seen.hear({"kind": "hold", "env": "staging"})
    await settled(own)
    for command, author, point, kind, status in (
        ("/unlock staging", "dev", "unlocked", "unlock", "unlocked"),
        ("/unhold staging", "admin", "unheld", "hold", "lifted"),
    ):
        await own.bot.stop(kill=True)
        await start_dying(own, point)
        await own.github.comment(REPO, seen.number, author=author, body=command)
        # when its successor carries it out again, then it tells what was done, and not that there is nothing to do.
        await die_in_turn(own, (point,))
        await seen.hear({"kind": kind, "status": status})
        await settled(own)
    assert told(seen, "refusal") == []


async def test_a_closeout_that_was_just_written_is_not_written_again(own: Playground) -> None:
    # Given a merge, and a bot that is killed when it has posted the closeout and not yet noted it,
    seen = await planned(own, "merged")
    await own.bot.stop(kill=True)
    await start_dying(own, "closeout-commented")
    await own.github.merge(REPO, seen.number, author="dev")
    # when its successor goes on, then there is one.
    await die_in_turn(own, ("closeout-commented",))
    await settled(own)
    closeouts = [heard for heard in seen.comments() if heard.is_about(kind="closeout")]
    assert len(closeouts) == 1


def test_every_point_is_played() -> None:
    ends = {
        "start",
        "applied",
        "deployment",
        "restore",
        "restored",
        "unlocked",
        "unheld",
        "closeout-commented",
        "plan-updated",
        "turn-taken",
    }
    assert set(POINTS) == {*_PLANNING, *_APPLYING, *_TELLING, *ends}
