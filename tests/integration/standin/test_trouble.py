"""Ordered faults, restarts and kills."""

import json
from pathlib import Path

import aiohttp
import pytest

from bot.playground.github import ApiError, SecondaryLimits, StandIn, StandInConfig
from bot.playground.github.limits import Limits

from .conftest import REPO, SPEC, Receiver, World

R = f"/repos/{REPO}"


async def test_a_fault_before_the_effect_leaves_nothing_behind(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    fault = world.github.faults.add(
        method="POST", path=r"/repos/.+/comments", status=502, headers={"Retry-After": "1"}, times=2
    )
    path = f"{R}/issues/{pull.number}/comments"

    answers = [await bot.post(path, {"body": f"{number}"}) for number in range(3)]

    assert [each.status for each in answers] == [502, 502, 201]
    assert answers[0].headers["Retry-After"] == "1"
    assert fault.hits == 2
    assert [each.body for each in world.github.comments(REPO, pull.number)] == ["2"]


async def test_a_fault_after_the_effect_loses_only_the_answer(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    world.github.faults.add(method="POST", path=r"/comments$", status=504, before_effect=False)

    answer = await bot.post(f"{R}/issues/{pull.number}/comments", {"body": "said"})

    assert answer.status == 504
    assert [each.body for each in world.github.comments(REPO, pull.number)] == ["said"]


async def test_a_connection_can_be_dropped_before_and_after_the_effect(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    path = f"{R}/issues/{pull.number}/comments"
    world.github.faults.add(method="POST", path=path, drop_connection=True)
    world.github.faults.add(method="POST", path=path, drop_connection=True, before_effect=False)

    for body in ("lost", "kept"):
        with pytest.raises(aiohttp.ClientError):
            await bot.post(path, {"body": body})

    assert world.github.requests[-1].status == 0
    assert [each.body for each in world.github.comments(REPO, pull.number)] == ["kept"]


async def test_a_delay_only_delays(world: World) -> None:
    bot = await world.bot()
    fault = world.github.faults.add(path=rf"{R}$", delay=0.05)

    answer = await bot.get(R)

    assert (answer.status, fault.hits) == (200, 1)


async def test_requests_are_logged_with_their_caller(world: World) -> None:
    bot = await world.bot()

    await bot.get(f"{R}/pulls?state=all")

    last = world.github.requests[-1]
    assert (last.method, last.path, last.status) == ("GET", f"/api/v3{R}/pulls?state=all", 200)
    assert last.actor.startswith("installation ")


def config(root: Path, receiver: Receiver) -> StandInConfig:
    return StandInConfig(state_dir=root, spec=SPEC, webhook_url=receiver.url, save_delay=0.01)


async def test_everything_is_there_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    first = StandIn(config(tmp_path, receiver))
    await first.start()
    await first.create_repo(REPO, files={"a": "1\n"})
    await first.add_personas(REPO)
    pull = await first.open_pull(REPO, author="dev", branch="f", files={"a": "2\n"})
    comment = await first.comment(REPO, pull.number, author="dev", body="/plan")
    await first.settled()
    token, key = first.user_token("dev"), first.private_key_pem
    await first.stop()

    second = StandIn(config(tmp_path, receiver))
    await second.start()

    assert second.has_repo(REPO)
    assert second.private_key_pem == key
    assert second.pull(REPO, pull.number).head_sha == pull.head_sha
    assert [each.id for each in second.comments(REPO, pull.number)] == [comment.id]
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{second.api_url}{R}/pulls/{pull.number}") as answer,
    ):
        assert answer.status == 200
    later = await second.comment(REPO, pull.number, author="dev", body="again")
    assert later.id > comment.id
    await second.settled()
    await second.stop()
    assert first.crashes == second.crashes == []


async def test_a_kill_loses_no_repository_and_no_branch(tmp_path: Path, receiver: Receiver) -> None:
    first = StandIn(config(tmp_path, receiver))
    await first.start()
    await first.create_repo(REPO, files={"a": "1\n"})
    await first.add_personas(REPO)
    pull = await first.open_pull(REPO, author="dev", branch="f", files={"a": "2\n"})
    await first.settled()
    path = tmp_path / "state.json"
    first.save()
    frozen = path.read_bytes()
    moved = await first.push(REPO, "f", {"a": "3\n"}, author="dev")
    await first.settled()
    await first.stop()
    # The state file of a process that was killed right after git had taken the push.
    path.write_bytes(frozen)

    second = StandIn(config(tmp_path, receiver))
    await second.start()

    assert second.pull(REPO, pull.number).head_sha == moved
    await second.stop()


async def test_deliveries_that_were_waiting_go_out_after_a_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    first = StandIn(config(tmp_path, receiver))
    await first.start()
    await first.create_repo(REPO, files={"a": "1\n"})
    await first.add_personas(REPO)
    pull = await first.open_pull(REPO, author="dev", branch="f", files={"a": "2\n"})
    await first.settled()
    first.hooks.pause()
    await first.comment(REPO, pull.number, author="dev", body="/plan")
    await first.stop()
    assert "issue_comment.created" not in receiver.events()

    second = StandIn(config(tmp_path, receiver))
    await second.start()
    await second.settled()
    await second.stop()

    assert receiver.events().count("issue_comment.created") == 1


async def test_the_state_file_is_whole_and_holds_no_token(world: World, tmp_path: Path) -> None:
    token = await world.token()
    await world.github.stop()

    text = (tmp_path / "github" / "state.json").read_text()

    assert json.loads(text)["repos"]
    assert token not in text
    await world.github.start()


async def test_a_key_of_its_own_is_readable_by_nobody_else(tmp_path: Path) -> None:
    github = StandIn(StandInConfig(state_dir=tmp_path))
    await github.start()
    await github.stop()

    assert (tmp_path / "app-key.pem").stat().st_mode & 0o077 == 0


async def test_bodies_are_judged_without_the_description_too(tmp_path: Path) -> None:
    github = StandIn(StandInConfig(state_dir=tmp_path))
    await github.start()
    await github.create_repo(REPO)
    await github.add_personas(REPO)
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    headers = {"Authorization": f"Bearer {github.user_token('dev')}"}
    url = f"{github.api_url}{R}/issues/{pull.number}/comments"

    async with aiohttp.ClientSession(headers=headers) as session:
        statuses = []
        for body in ({"body": "x"}, {"body": 1}, {"body": "x", "more": 1}, {}, ["x"]):
            async with session.post(url, json=body) as answer:
                statuses.append(answer.status)
        async with session.post(url, data=b"{") as answer:
            statuses.append(answer.status)

    assert statuses == [201, 422, 422, 422, 422, 400]
    await github.stop()
    assert github.crashes == []


async def test_all_secondary_limits_are_those_of_github(world: World) -> None:
    limits = SecondaryLimits()

    assert (limits.content_per_minute, limits.content_per_hour) == (80, 500)
    assert (limits.points_per_minute, limits.points_of_a_write, limits.at_once) == (900, 5, 100)


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("told", [True, False], ids=["with retry-after", "without retry-after"])
async def test_points_of_reads_and_writes_are_refused_above_the_limit(
    world: World, *, status: int, told: bool
) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    note = await bot.post(f"{R}/issues/{pull.number}/comments", {"body": "x"})
    path = f"{R}/issues/comments/{note.body['id']}"
    world.clock.ahead += 61
    world.github.limits.secondary = SecondaryLimits(
        points_per_minute=12, status=status, tells_retry_after=told
    )

    answers = [await bot.patch(path, {"body": f"{number}"}) for number in range(3)]
    reads = [await bot.get(R) for _ in range(3)]
    world.clock.ahead += 61
    later = await bot.patch(path, {"body": "later"})

    assert [each.status for each in answers] == [200, 200, status]
    assert [each.status for each in reads] == [200, 200, status]
    assert "secondary rate limit" in answers[-1].body["message"]
    assert ("retry-after" in answers[-1].headers) is told
    assert later.status == 200
    assert world.github.limits.secondary.refused == 2


async def test_folding_comments_counts_as_writing(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    note = await bot.post(f"{R}/issues/{pull.number}/comments", {"body": "x"})
    query = "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { x } }"
    world.github.limits.secondary = SecondaryLimits(points_per_minute=4, graphql_points_per_minute=9)

    body = {"query": query, "variables": {"id": note.body["node_id"]}}
    answers = [await bot.post(world.github.graphql_url, body) for _ in range(2)]

    assert [each.status for each in answers] == [200, 403]


async def test_too_many_requests_at_once_are_refused(world: World) -> None:
    limits = Limits(world.clock)
    limits.secondary = SecondaryLimits(at_once=2)

    with limits.working("bot", writes=False), limits.working("bot", writes=True):
        with pytest.raises(ApiError) as refused, limits.working("bot", writes=False):
            pass
        with limits.working("another", writes=False):
            pass
    with limits.working("bot", writes=False):
        pass

    assert refused.value.status == 403
