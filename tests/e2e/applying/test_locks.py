"""A stack belongs to the pull request that changed it, until it is merged or gives the stack up."""

from __future__ import annotations

from tests.e2e.world import ADMIN, DEV, OWNER, STAGING, World


async def _features(world: World, names: str) -> dict[str, str | None]:
    text = await world.read(STAGING)
    return {STAGING: text.replace('features       = ["search"]', f"features       = [{names}]")}


async def test_a_second_pull_request_waits_until_the_first_unlocks(world: World) -> None:
    # Given two planned pull requests, of which the first has applied,
    first, _ = await world.open_planned("First", branch="first")
    second, _ = await world.open_planned("Second", branch="second")
    await world.applied(first)
    # when the second tries to unlock what it does not hold,
    await world.comment(second, "/unlock staging")
    # then it is told who holds it, since when, and where to unlock it.
    said = await world.refused(second, "not_found")
    assert f"staging is held by pull request {first} (dev, since" in said.body
    assert f"`/unlock staging` on pull request {first}" in said.body
    # And when it asks for its apply,
    await world.comment(second, "/apply staging")
    # then it is told who holds the stack, and that its plan is of a state that is gone.
    said = await world.hear(second, kind="refusal", env="staging")
    assert {"locked", "plan_stale", "state_moved"} == set(said.header["reasons"])
    assert f"held by pull request {first}" in said.body
    # And a new plan alone does not open it,
    await world.comment(second, "/plan staging")
    plan = await world.hear(second, kind="plan", env="staging", status="planned")
    assert f"#{first} has locked staging" in plan.body
    await world.comment(second, "/apply staging")
    await world.refused(second, "locked")
    # but after the first has unlocked, the same plan is applied.
    command = await world.comment(first, "/unlock staging")
    await world.hear(first, kind="unlock", status="unlocked")
    await world.reacted(command, "rocket")
    said = await world.hear(second, kind="lock", env="staging", status="free")
    assert f"plan `{plan.header['plan']}` is still what would happen" in said.body
    assert f"Pull request {first} no longer holds it: /unlock by dev" in said.body
    shown = await world.hear(second, kind="plan", env="staging", status="planned")
    assert "has locked" not in shown.body
    await world.applied(second)
    assert world.locks() == [("staging", second)]
    assert "Second" in await world.page("staging/")
    await world.told(first)


async def test_a_merge_frees_what_the_pull_request_held(world: World) -> None:
    # Given two pull requests, of which the first has applied,
    first, _ = await world.open_planned("First", branch="first")
    await world.applied(first)
    second = await world.open(await _features(world, '"search", "beta"'), branch="second")
    await world.hear(second, kind="plan", env="staging", status="planned")
    await world.comment(second, "/apply staging")
    await world.refused(second, "locked")
    # when the first is merged,
    await world.github.merge(world.repo, first, author=DEV)
    closeout = await world.hear(first, kind="closeout", status="merged")
    await world.idle()
    # then its closeout says how staging ended and what is free again,
    assert "✅ applied" in closeout.body
    assert "Released for other pull requests: staging" in closeout.body
    assert world.locks() == []
    await world.hear(second, kind="lock", env="staging", status="free")
    await world.told(second)
    # and the second can apply, once it is planned on the new base.
    await world.comment(second, "/plan staging")
    await world.hear(second, kind="plan", env="staging", status="planned")
    await world.applied(second)
    page = await world.page("staging/")
    assert "First" in page
    assert "beta" in page


async def test_a_pull_request_closed_unmerged_keeps_what_it_changed(world: World) -> None:
    # Given a pull request that has applied,
    first, _ = await world.open_planned("Abandoned", branch="first")
    await world.applied(first)
    # when it is closed without a merge,
    await world.github.close(world.repo, first, author=DEV)
    # then it says that staging stays locked and how to free it,
    said = await world.hear(first, kind="closeout", status="closed")
    assert "/unlock staging" in said.body
    assert world.locks() == [("staging", first)]
    # nobody else can apply,
    second, _ = await world.open_planned("Next", branch="second")
    await world.comment(second, "/apply staging")
    await world.refused(second, "locked")
    # nothing can be applied from it,
    await world.comment(first, "/apply staging")
    await world.refused(first, "pull_closed")
    # and the unlock works on the closed pull request.
    await world.comment(first, "/unlock staging")
    await world.hear(first, kind="unlock")
    await world.hear(second, kind="lock", env="staging", status="free")
    await world.idle()
    world.watch(second).skip()
    await world.applied(second)
    assert "Next" in await world.page("staging/")


async def test_a_pull_request_that_applied_nothing_closes_without_a_word(world: World) -> None:
    # Given a pull request that is only planned,
    number, _ = await world.open_planned()
    # when it is closed,
    await world.github.close(world.repo, number, author=DEV)
    # then it has nothing to say about locks.
    assert "closeout closed" not in await world.told(number)
    assert world.locks() == []


async def test_only_holder_owner_or_an_administrator_with_a_note_unlocks(world: World) -> None:
    # Given a pull request whose stack a developer holds,
    number, _ = await world.open_planned()
    await world.applied(number)
    # when somebody who owns only prod asks to unlock, or an administrator without saying why,
    await world.comment(number, "/unlock staging", by="owner2")
    # then it is refused,
    await world.refused(number, "permission")
    await world.comment(number, "/unlock staging", by=ADMIN)
    await world.refused(number, "usage")
    assert world.locks() == [("staging", number)]
    # and with a note it is not, and the note stays on record.
    await world.comment(number, "/unlock staging dev has left", by=ADMIN)
    await world.hear(number, kind="unlock")
    assert world.locks() == []
    taken, given = world.lock_events(number)
    assert (taken["act"], taken["actor"]) == ("locked", DEV)
    assert (given["act"], given["actor"], given["why"]) == ("unlocked", ADMIN, "dev has left")
    # And then there is nothing left to unlock.
    await world.comment(number, "/unlock")
    await world.refused(number, "not_found")
    # And an owner of staging needs no note.
    await world.push({STAGING: await world.staging("Again")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=world.head(number))
    await world.applied(number)
    await world.comment(number, "/unlock staging", by=OWNER)
    await world.hear(number, kind="unlock")


async def test_those_who_wait_are_told_once_and_planned_again(world: World) -> None:
    # Given three planned pull requests, of which the first applies and the second is refused,
    first, _ = await world.open_planned("First", branch="first")
    second, old = await world.open_planned("Second", branch="second")
    third, _ = await world.open_planned("Third", branch="third")
    await world.applied(first)
    await world.comment(second, "/apply staging")
    assert "locked" in (await world.hear(second, kind="refusal")).header["reasons"]
    assert await world.told(third) == ["plan staging stale"]
    # when the first gives the stack up,
    await world.comment(first, "/unlock")
    await world.hear(first, kind="unlock")
    # then both are told once, and planned on what is there now.
    for number in (second, third):
        said = await world.hear(number, kind="lock", env="staging", status="free")
        assert "it is being planned again" in said.body
        await world.hear(number, kind="plan", env="staging", status="planned")
    await world.applied(second)
    assert old.header["plan"] not in {run["plan_id"] for run in world.runs(kind="apply")}
    # And the one that did not apply waits again.
    await world.comment(second, "/unlock")
    await world.hear(second, kind="unlock")
    await world.hear(third, kind="lock", env="staging", status="free")
    await world.told(third)
    await world.told(first)
    await world.told(second)


async def test_the_other_pull_requests_comment_shows_its_plan_as_stale(world: World) -> None:
    # Given two planned pull requests,
    first, _ = await world.open_planned("First", branch="first")
    second, _ = await world.open_planned("Second", branch="second")
    # when the first applies,
    await world.applied(first)
    # then the comment of the second no longer offers its plan.
    assert await world.told(second) == ["plan staging stale"]
