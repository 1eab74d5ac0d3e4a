"""Buttons of the check runs, and GitHub's own re-run: the same as a comment of who pressed them."""

from __future__ import annotations

from tests.e2e.world import DEV, OUTSIDER, READER, STAGING, World, next_second

OURS = ("gatewright/plan", "gatewright/apply")


async def test_the_plan_button_and_a_rerun_plan_again(world: World) -> None:
    # Given a planned pull request,
    number, first = await world.open_planned()
    check = world.check(number, "gatewright/plan")
    # when the button is pressed, and then GitHub's own re-run,
    await world.github.press(check.id, "plan", author=DEV)
    second = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    newer = world.check(number, "gatewright/plan")
    await world.github.rerequest(newer.id, author=DEV)
    third = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    # then each made a plan, and a check run that is completed again.
    assert len({first.header["plan"], second.header["plan"], third.header["plan"]}) == 3
    assert await world.told(number) == ["plan staging planned"]
    newest = world.check(number, "gatewright/plan")
    assert len({check.id, newer.id, newest.id}) == 3
    assert world.conclusions(number) == ("success", "queued")
    assert newest.details_url == f"{world.playground.bot.url}/runs/{world.runs(kind='plan')[-1]['id']}"


async def test_all_checks_can_be_run_again(world: World) -> None:
    # Given an applied pull request,
    number, _ = await world.open_planned()
    await world.comment(number, "/apply staging")
    await world.hear(number, kind="apply", env="staging", status="applied")
    await world.idle()
    head = world.head(number)
    before = {name: world.check(number, name).id for name in OURS}
    assert world.github.suite_state(world.repo, head) == ("completed", "success")
    # when somebody has all of its checks run again,
    await world.github.rerequest_suite(world.repo, head, author=DEV)
    await world.idle()
    # then there is a new plan, and a new check run of each name, and the suite waits for nothing.
    assert len(world.runs(kind="plan")) == 2
    assert all(world.check(number, name).id > before[name] for name in OURS)
    assert world.github.suite_state(world.repo, head) == ("completed", "success")
    await world.told(number)


async def test_forbidden_rerun_is_refused_and_the_suite_completed(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned("Not by them")
    check = world.check(number, "gatewright/plan")
    made = len(world.runs(kind="plan"))
    await next_second()
    # when people without write access press a button, or run a check again,
    for person in (OUTSIDER, READER):
        await world.github.press(check.id, "plan", author=person)
        # then each is refused,
        await world.refused(number, "permission")
    await world.github.rerequest(check.id, author=READER)
    await world.refused(number, "permission")
    await world.idle()
    # and nothing runs, but there is the check run that GitHub waits for.
    assert len(world.runs(kind="plan")) == made
    assert world.check(number, "gatewright/plan").id > check.id
    assert world.conclusions(number) == ("success", "queued")


async def test_a_button_of_an_older_commit_does_nothing(world: World) -> None:
    # Given a pull request that moved on after its check was shown,
    number, _ = await world.open_planned("Old")
    check = world.check(number, "gatewright/plan")
    head = await world.push({STAGING: await world.staging("New")})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    made = len(world.runs(kind="plan"))
    # when the old check's button is pressed,
    await next_second()
    await world.github.press(check.id, "plan", author=DEV)
    # then nothing runs.
    assert await world.told(number) == ["plan staging planned"]
    assert len(world.runs(kind="plan")) == made
