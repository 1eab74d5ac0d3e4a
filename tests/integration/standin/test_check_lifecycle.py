"""What GitHub does with check runs and suites by its own rules, and the stand-in after it."""

from typing import Any

import pytest

from .conftest import REPO, Client, World

R = f"/repos/{REPO}"
DAY = 24 * 3600


async def head(world: World) -> str:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    return pull.head_sha


async def created(bot: Client, sha: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "gatewright/plan", "head_sha": sha, **fields}
    run: dict[str, Any] = (await bot.post(f"{R}/check-runs", body)).body
    return run


async def suite_of(world: World) -> tuple[str, str | None]:
    await world.github.settled()
    suite = world.receiver.last("check_suite.rerequested").body["check_suite"]
    return suite["status"], suite["conclusion"]


@pytest.mark.parametrize("status", ["queued", "in_progress"])
async def test_a_completed_run_does_not_go_back(world: World, status: str) -> None:
    bot = await world.bot()
    run = await created(bot, await head(world), conclusion="failure", output={"title": "One", "summary": "1"})

    answer = await bot.patch(
        f"{R}/check-runs/{run['id']}", {"status": status, "output": {"title": "Two", "summary": "2"}}
    )

    assert answer.status == 200
    assert (answer.body["status"], answer.body["conclusion"]) == ("completed", "failure")
    assert answer.body["completed_at"] == run["completed_at"]
    assert answer.body["output"]["title"] == "Two"


async def test_a_completed_run_keeps_its_conclusion(world: World) -> None:
    bot = await world.bot()
    run = await created(bot, await head(world), conclusion="failure")

    answer = await bot.patch(
        f"{R}/check-runs/{run['id']}", {"conclusion": "success", "details_url": "http://x/1"}
    )

    assert (answer.status, answer.body["conclusion"]) == (200, "failure")
    assert answer.body["details_url"] == "http://x/1"


async def test_newest_run_of_a_name_is_the_one_that_counts(world: World) -> None:
    bot, sha = await world.bot(), await head(world)
    await created(bot, sha, conclusion="success")
    second = await created(bot, sha, status="queued")

    latest = (await bot.get(f"{R}/commits/{sha}/check-runs")).body
    every = (await bot.get(f"{R}/commits/{sha}/check-runs?filter=all")).body
    pull = (await bot.get(f"{R}/pulls/1")).body

    assert [run["id"] for run in latest["check_runs"]] == [second["id"]]
    assert every["total_count"] == 2
    assert pull["mergeable_state"] == "unstable"


async def test_an_incomplete_run_becomes_stale_after_fourteen_days(world: World) -> None:
    run = await created(await world.bot(), await head(world), status="in_progress")

    world.clock.ahead = 14 * DAY - 60
    before = (await (await world.bot()).get(f"{R}/check-runs/{run['id']}")).body
    world.clock.ahead = 14 * DAY + 60
    bot = await world.bot()
    after = (await bot.get(f"{R}/check-runs/{run['id']}")).body
    late = (await bot.patch(f"{R}/check-runs/{run['id']}", {"conclusion": "success"})).body
    await world.github.settled()

    assert (before["status"], before["conclusion"]) == ("in_progress", None)
    assert (after["status"], after["conclusion"]) == ("completed", "stale")
    assert late["conclusion"] == "stale"
    assert world.receiver.last("check_run.completed").body["check_run"]["conclusion"] == "stale"


async def test_a_suite_waits_for_its_first_run(world: World) -> None:
    sha = await head(world)
    await world.github.settled()
    asked = world.receiver.last("check_suite.requested").body["check_suite"]
    bot = await world.bot()

    await world.github.rerequest_suite(REPO, sha, author="owner")
    empty = await suite_of(world)
    await created(bot, sha, conclusion="neutral")
    await created(bot, sha, name="gatewright/apply", conclusion="failure")
    await world.github.rerequest_suite(REPO, sha, author="owner")

    assert (asked["status"], asked["head_sha"], empty) == ("queued", sha, ("queued", None))
    assert await suite_of(world) == ("queued", None)


async def test_rerequested_suite_waits_for_a_new_run_of_each_name(world: World) -> None:
    bot, sha = await world.bot(), await head(world)
    for name in ("gatewright/plan", "gatewright/apply"):
        await created(bot, sha, name=name, conclusion="success")
    await world.github.rerequest_suite(REPO, sha, author="owner")

    states = []
    for name in ("gatewright/plan", "gatewright/apply"):
        await created(bot, sha, name=name, conclusion="success")
        states.append(world.github.suite_state(REPO, sha))

    assert states == [("queued", None), ("completed", "success")]


async def test_a_rerequested_run_is_not_updated_but_awaited(world: World) -> None:
    bot, sha = await world.bot(), await head(world)
    run = await created(bot, sha, conclusion="success")
    await world.github.rerequest(run["id"], author="owner")

    await bot.patch(f"{R}/check-runs/{run['id']}", {"status": "in_progress"})
    waiting = world.github.suite_state(REPO, sha)
    await created(bot, sha, conclusion="success")

    assert (await bot.get(f"{R}/check-runs/{run['id']}")).body["status"] == "completed"
    assert (waiting, world.github.suite_state(REPO, sha)) == (("queued", None), ("completed", "success"))


async def test_a_run_without_details_leads_to_the_apps_homepage(world: World) -> None:
    run = await created(await world.bot(), await head(world), status="queued")

    assert run["details_url"] == run["app"]["external_url"]


async def test_buttons_show_once_the_run_is_completed(world: World) -> None:
    bot, sha = await world.bot(), await head(world)
    button = {"label": "Apply", "description": "d", "identifier": "apply"}
    run = await created(bot, sha, status="queued", actions=[button])

    with pytest.raises(Exception, match="Not Found"):
        await world.github.press(run["id"], "apply", author="dev")
    await bot.patch(f"{R}/check-runs/{run['id']}", {"conclusion": "success"})
    await world.github.press(run["id"], "apply", author="dev")
    await world.github.settled()

    assert world.receiver.last("check_run.requested_action").body["check_run"]["id"] == run["id"]
