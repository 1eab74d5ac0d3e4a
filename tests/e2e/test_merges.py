"""After a merge: what was reviewed is applied, everything else is compared and told, and nothing happens twice."""

from __future__ import annotations

from tests.e2e.world import DEV, STAGING, World


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


async def test_a_pull_request_closed_while_it_is_applied_is_applied_to_its_end(world: World) -> None:
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
