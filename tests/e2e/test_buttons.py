"""Buttons of the check runs: the same as a comment of who pressed them."""

from __future__ import annotations

from tests.e2e.world import DEV, OUTSIDER, READER, STAGING, World, next_second


async def test_the_apply_button_applies(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned("By button")
    check = world.check(number, "gatewright/apply")
    assert [action["label"] for action in check.actions] == ["Apply staging"]
    # when a developer presses the button,
    await next_second()
    await world.github.press(check.id, "apply:staging", author=DEV)
    # then the plan is applied.
    await world.hear(number, kind="apply", env="staging", status="applied")
    assert await world.told(number) == ["plan staging applied", "apply staging applied"]
    assert "By button" in await world.page("staging/")
    assert world.runs(kind="apply")[0]["actor"] == DEV
    assert world.conclusions(number) == ("success", "success")


async def test_the_plan_button_and_a_rerun_plan_again(world: World) -> None:
    # Given a planned pull request,
    number, first = await world.open_planned()
    check = world.check(number, "gatewright/plan")
    # when the button is pressed, and then GitHub's own re-run,
    await world.github.press(check.id, "plan", author=DEV)
    second = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    await world.github.rerequest(check.id, author=DEV)
    third = await world.hear(number, kind="plan", env="staging", status="planned")
    # then each made a plan.
    assert len({first.header["plan"], second.header["plan"], third.header["plan"]}) == 3
    assert await world.told(number) == ["plan staging planned"]


async def test_buttons_pressed_without_the_right_are_refused(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned("Not by them")
    check = world.check(number, "gatewright/apply")
    await next_second()
    # when people without write access press its button,
    for person in (OUTSIDER, READER):
        await world.github.press(check.id, "apply:staging", author=person)
        # then each is refused, and nothing runs.
        await world.refused(number, "permission")
    assert world.runs(kind="apply") == []
    assert "Not by them" not in await world.page("staging/")


async def test_a_button_of_an_older_commit_does_nothing(world: World) -> None:
    # Given a pull request that moved on after its check was shown,
    number, _ = await world.open_planned("Old")
    check = world.check(number, "gatewright/apply")
    head = await world.push({STAGING: await world.staging("New")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    # when the old check's button is pressed,
    await next_second()
    await world.github.press(check.id, "apply:staging", author=DEV)
    # then nothing runs.
    assert await world.told(number) == ["plan staging planned"]
    assert world.runs(kind="apply") == []
