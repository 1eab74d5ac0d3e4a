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
    assert f"held by pull request {first}" in plan.body
    await world.comment(second, "/apply staging")
    await world.refused(second, "locked")
    # but after the first has unlocked, the same plan is applied.
    command = await world.comment(first, "/unlock staging")
    await world.hear(first, kind="unlock", status="unlocked")
    await world.reacted(command, "rocket")
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


async def test_only_the_holder_or_an_administrator_unlocks(world: World) -> None:
    # Given a pull request whose stack a developer holds,
    number, _ = await world.open_planned()
    await world.applied(number)
    # when another developer asks to unlock,
    await world.comment(number, "/unlock staging", by=OWNER)
    # then it is refused, and an administrator's request is not.
    await world.refused(number, "permission")
    assert world.locks() == [("staging", number)]
    await world.comment(number, "/unlock", by=ADMIN)
    await world.hear(number, kind="unlock")
    assert world.locks() == []
    # And then there is nothing left to unlock.
    await world.comment(number, "/unlock")
    await world.refused(number, "not_found")


async def test_the_other_pull_requests_comment_shows_its_plan_as_stale(world: World) -> None:
    # Given two planned pull requests,
    first, _ = await world.open_planned("First", branch="first")
    second, _ = await world.open_planned("Second", branch="second")
    # when the first applies,
    await world.applied(first)
    # then the comment of the second no longer offers its plan.
    assert await world.told(second) == ["plan staging stale"]
