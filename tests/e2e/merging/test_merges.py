"""After a merge: what was reviewed is applied, everything else is compared and told, and nothing happens twice."""

from __future__ import annotations

import asyncio
import json
import re

from bot.playground.github.faults.orders import Fault
from bot.playground.watch import Watch
from tests.e2e.world import ADMIN, DEV, OWNER, STAGING, World, state_client

TEST = "envs/test.tfvars"


async def test_a_merge_applies_what_was_reviewed_and_nothing_twice(world: World) -> None:
    # Given a planned pull request that nobody has applied,
    number, _ = await world.open_planned("Applied by the merge")
    # when it is merged,
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    await world.idle()
    # then staging, whose policy says so, is applied, and the closeout says that it had not been.
    assert "| staging | ⚠️ not applied" in said.body
    assert "✅ applied as reviewed, because `dev` merged" in said.body
    assert "Released for other pull requests: staging" in said.body
    assert "Still held" not in said.body
    assert "Applied by the merge" in await world.page("staging/")
    assert world.locks() == []
    (run,) = world.runs(kind="sync")
    assert (run["status"], run["head_sha"]) == (
        "succeeded",
        world.github.pull(world.repo, number).merge_commit_sha,
    )
    # And a replayed delivery changes nothing and says nothing more.
    closed = [each for each in world.github.deliveries if each.event == "pull_request"][-1]
    world.github.redeliver(closed)
    assert await world.told(number) == ["plan staging stale", "closeout merged"]
    assert len(world.runs(kind="sync")) == 1


async def test_whoever_or_whatever_merges_what_was_reviewed_is_applied(world: World) -> None:
    # Given pull requests of two commits each, and all that merges at GitHub besides a person at the button,
    await world.github.add_app("mergify")
    mergers = {
        "squash": ("mergify[bot]", _by_another_app),
        "rebase": ("github-merge-queue[bot]", _by_the_queue),
        "auto": (OWNER, _by_auto_merge),
        "pushed": (ADMIN, _by_a_push),
    }
    for message, (merger, merge) in mergers.items():
        text = await world.staging(message)
        number = await world.open({"README.md": f"# {message}\n"}, branch=message)
        await world.push({STAGING: text}, branch=message)
        await world.hear(number, kind="plan", env="staging", status="planned")
        await world.idle()
        # when one of them is merged,
        await merge(world, number)
        said = await world.hear(number, kind="closeout", status="merged")
        await world.told(number)
        # then it is applied, although nobody can ask what a bot may do, and the merger is on record.
        assert f"✅ applied as reviewed, because `{merger}` merged" in said.body
        assert message in await world.page("staging/")
        run = world.runs(kind="sync")[-1]
        commit = world.github.pull(world.repo, number).merge_commit_sha
        assert (run["status"], run["actor"], run["head_sha"]) == ("succeeded", merger, commit)
        assert {event["actor"] for event in world.lock_events(number)} == {merger}
        assert world.locks() == []


async def _by_another_app(world: World, number: int) -> None:
    await world.github.merge(world.repo, number, author="mergify[bot]", method="squash")


async def _by_the_queue(world: World, number: int) -> None:
    await world.github.queue(world.repo, number, author=DEV, method="rebase")
    await world.github.merge_queue(world.repo)


async def _by_auto_merge(world: World, number: int) -> None:
    await world.github.auto_merge(world.repo, number, author=OWNER)
    await world.github.requirements_met(world.repo, number)


async def _by_a_push(world: World, number: int) -> None:
    """Push the commits of a pull request to the base, which marks it as merged."""
    await world.github.push_commit(world.repo, "main", world.head(number), author=ADMIN)


async def test_what_was_not_reviewed_is_not_applied_by_a_merge(world: World) -> None:
    # Given a planned pull request, and a base that has moved on since, so that the two would be applied together,
    number, _ = await world.open_planned("Reviewed")
    await world.add_knobs()
    await world.idle()
    # when it is merged,
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    # then nothing is applied, and the closeout says why.
    assert "not applied, because it is not what was reviewed" in said.body
    assert "Reviewed" not in await world.page("staging/")
    await world.told(number)
    assert world.locks() == []


async def test_a_merge_waits_for_who_holds_the_stack(world: World) -> None:
    # Given a stack that one pull request holds, and another one that touches it too,
    first, _ = await world.open_planned("First", branch="first")
    await world.applied(first)
    second = await world.open(
        {"envs/prod.tfvars": (await world.read("envs/prod.tfvars")).replace("Welcome", "Hello")},
        branch="second",
    )
    await world.hear(second, kind="plan", env="prod", status="planned")
    await world.push({STAGING: await world.staging("Second")}, branch="second")
    await world.hear(second, kind="plan", env="staging", status="planned")
    await world.idle()
    # when the other one is merged,
    await world.github.merge(world.repo, second, author=DEV)
    # then prod is compared and told as not applied, and staging waits.
    said = await world.hear(second, kind="closeout", status="merged")
    assert "| prod | ⚠️ not applied" in said.body
    assert "⏳ what was merged is not applied: " in said.body
    assert f"⏳ waits until pull request {first} no longer holds it" in said.body
    # And when the first gives it up, the merge is carried out: what is in base, if it is what was reviewed.
    await world.comment(first, "/unlock")
    await world.hear(first, kind="unlock")
    await world.hear(second, kind="closeout", status="merged")
    await world.told(first)
    await world.told(second)
    assert world.locks() == []
    assert "Second" in await world.page("staging/")


async def test_pull_request_closed_during_apply_is_applied_to_its_end(world: World) -> None:
    # Given an apply that takes some seconds,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("pause = 4", "Closed meanwhile")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.comment(number, "/apply staging")
    await world.running("apply")
    # when the pull request is closed meanwhile,
    await world.github.close(world.repo, number, author=DEV)
    # then it says that staging stays locked, the apply goes on, and its result is told there.
    said = await world.hear(number, kind="closeout", status="closed")
    assert "/unlock staging" in said.body
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.told(number)
    assert "Closed meanwhile" in await world.page("staging/")
    assert world.locks() == [("staging", number)]
    # And nothing more is applied from it.
    await world.comment(number, "/apply staging")
    await world.refused(number, "pull_closed")
    assert len(world.runs(kind="apply")) == 1


async def test_what_was_changed_outside_is_told_as_drift_after_merge(world: World) -> None:
    # Given a pull request that has applied test and staging,
    text = re.sub(r'^(message\s*=\s*)".*"$', r'\g<1>"Both"', await world.read(TEST), flags=re.MULTILINE)
    number = await world.open({TEST: text, STAGING: await world.staging("Both")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.comment(number, "/plan test")
    await world.hear(number, kind="plan", env="test", status="planned")
    await world.idle()
    await world.applied(number, "/apply test", env="test")
    await world.applied(number)
    # when somebody takes something out of both without the bot, and then it is merged,
    for env in ("test", "staging"):
        await asyncio.to_thread(_forget_a_resource, world, env)
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    # then it is told as drift, with the command that shows it, and nothing is applied.
    for env in ("test", "staging"):
        [row] = [line for line in said.body.splitlines() if line.startswith(f"| {env} |")]
        assert "⚠️ drift: the applied release is unchanged in base, and yet: 1 to add" in row
        assert f"`/plan {env}`" in said.body
    await world.told(number)
    assert len(world.runs(kind="apply")) == 2
    assert world.locks() == []


def _forget_a_resource(world: World, env: str) -> None:
    bucket = world.playground.s3.state_bucket
    key = f"{env}/{world.repo.removeprefix('acme/')}/terraform.tfstate"
    with state_client(world.playground) as client:
        state = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        state["serial"] += 1
        state["resources"] = [each for each in state["resources"] if each["name"] != "release"]
        client.put_object(Bucket=bucket, Key=key, Body=json.dumps(state).encode())


async def test_merge_whose_apply_fails_keeps_stack_and_tells_the_log(world: World) -> None:
    # Given a reviewed change that breaks half-way,
    await world.add_knobs()
    number = await world.open({STAGING: await world.knob("breaks = true", "Half")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    # when its merge applies it,
    await world.github.merge(world.repo, number, author=DEV)
    said = await world.hear(number, kind="closeout", status="merged")
    # then the closeout says what was done, the end of the log, that staging stays locked, and how to free it.
    assert "❌ terraform apply ended with exit code 1." in said.body
    assert "Part of the plan was applied." in said.body
    assert "the disk is on fire" in said.body
    assert "⚠️ Still held by this pull request: staging" in said.body
    assert "`/unlock staging`" in said.body
    await world.told(number)
    assert world.locks() == [("staging", number)]
    # And that is possible although it is merged.
    await world.comment(number, "/unlock staging")
    await world.hear(number, kind="unlock")
    await world.told(number)
    assert world.locks() == []


async def test_githubs_revert_button_opens_a_pull_request_like_any_other(world: World) -> None:
    # Given two changes of staging that were applied by their merges,
    before = await world.staging("First")
    await _applied_by_a_merge(world, "First")
    number = await _applied_by_a_merge(world, "Second")
    # when a person presses the revert button of the second and merges what it opens,
    button = await world.github.revert_button(world.repo, number, author=OWNER)
    await world.hear(button.number, kind="plan", env="staging", status="planned")
    await world.idle()
    await world.github.merge(world.repo, button.number, author=OWNER)
    said = await world.hear(button.number, kind="closeout", status="merged")
    await world.told(button.number)
    # then staging is as it was before, by an ordinary plan that people have read.
    assert f"✅ applied as reviewed, because `{OWNER}` merged" in said.body
    assert "First" in await world.page("staging/")
    assert await world.staging("First") == before
    # When an environment was taken back by /revert instead, and the button takes the code back,
    number = await _applied_by_a_merge(world, "Third")
    await world.comment(number, "/revert")
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.comment(number, f"/apply staging {plan.header['plan']}")
    await world.hear(number, kind="revert", env="staging", status="applied")
    await world.told(number)
    button = await world.github.revert_button(world.repo, number, author=OWNER)
    await world.hear(button.number, kind="plan", env="staging", status="no_changes")
    await world.idle()
    await world.github.merge(world.repo, button.number, author=OWNER)
    said = await world.hear(button.number, kind="closeout", status="merged")
    # then there is nothing left to apply, and the hold stays, as the closeout says, until people lift it.
    assert "| staging | ✅ no changes" in said.body
    assert "✅ as merged" in said.body
    assert "staging, which is still on hold; to let others apply, comment `/unhold staging`" in said.body
    await world.comment(number, "/unhold staging", by=OWNER)
    await world.hear(number, kind="hold", status="lifted")
    for each in world.github.repo(world.repo).pulls:
        await world.told(each)
    assert world.locks() == []


async def _applied_by_a_merge(world: World, message: str) -> int:
    """Have a change of staging planned, and applied by its merge; returns its pull request."""
    number, _ = await world.open_planned(message, branch=message)
    await world.github.merge(world.repo, number, author=DEV)
    await world.told(number)
    return number


async def test_plan_that_nobody_could_read_before_the_merge_destroys_nothing(world: World) -> None:
    # Given staging with something that a merged pull request has applied,
    await world.add_knobs()
    first = await world.open({STAGING: await world.knob("pause = 1", "First")}, branch="first")
    await world.hear(first, kind="plan", env="staging", status="planned")
    await world.idle()
    await world.applied(first)
    await world.github.merge(world.repo, first, author=DEV)
    await world.told(first)
    # and a pull request that takes it out, whose plan is made, but whose comment is long in coming,
    late = world.github.faults.add(method="POST", path=rf"/{world.repo}/issues/\d+/comments$", delay=8)
    text = (await world.staging("Second")).replace("pause = 1\n", "")
    second = await world.open({STAGING: text}, branch="second")
    await _started(world, late)

    # when it is merged before then,
    await world.github.merge(world.repo, second, author=DEV)
    said = await world.hear(second, kind="closeout", status="merged")
    await world.told(second)

    # then nothing is applied, and the closeout names what nobody had seen.
    [row] = [line for line in said.body.splitlines() if line.startswith("| staging |")]
    assert "not applied, because it is not what was reviewed" in row
    assert "No plan of this pull request showed that it destroys, replaces or lets go of" in row
    assert "`terraform_data.pause[0]`" in row
    assert "pause" in [resource["name"] for resource in world.state()["resources"]]
    assert world.locks() == []


async def _started(world: World, fault: Fault) -> None:
    """Wait until a request has met a fault."""

    def look() -> bool | None:
        return True if fault.hits else None

    await Watch(github=world.github, repo=world.repo, number=0, patience=60).until(look, "a request")
