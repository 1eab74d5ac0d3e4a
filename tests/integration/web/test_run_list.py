from __future__ import annotations

import re

import pytest

from bot.domain.core.model import Permission, RunKind, RunStatus
from tests.integration.web.login import log_in
from tests.integration.web.world import World


@pytest.fixture
async def reader(world: World) -> World:
    """Four runs in three repositories, of which `dev` may read two."""
    world.github.rights["acme/infra", "dev"] = Permission.READ
    world.github.rights["acme/web", "dev"] = Permission.READ
    await log_in(world, "dev")
    await world.add_run("r000000000000001", actor="dev")
    await world.add_run("r000000000000002", repo="acme/web", env="prod", pull=8, status=RunStatus.FAILED)
    await world.add_run("r000000000000003", repo="acme/secret", actor="stranger")
    await world.add_run(
        "r000000000000004", kind=RunKind.APPLY, actor="Owner", pull=None, status=RunStatus.RUNNING
    )
    return world


async def listed(world: World, query: str = "") -> list[str]:
    async with world.client.get(f"/runs{query}", allow_redirects=False) as response:
        assert response.status == 200
        text = await response.text()
    assert "secret" not in text
    assert "stranger" not in text
    return [run_id.removeprefix("r00000000000000") for run_id in re.findall(r'href="/runs/(r\w+)"', text)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["4", "2", "1"]),
        ("?repo=acme/web", ["2"]),
        ("?repo=ACME/web", ["2"]),
        ("?pull=%237", ["1"]),
        ("?env=prod", ["2"]),
        ("?kind=apply", ["4"]),
        ("?status=failed", ["2"]),
        ("?actor=owner", ["4"]),
        ("?kind=plan&env=staging&actor=dev&pull=7", ["1"]),
        ("?env=nowhere", []),
        ("?before=r000000000000004", ["2", "1"]),
        ("?before=rnothing", []),
    ],
)
async def test_the_list_has_what_the_filters_ask_for(reader: World, query: str, ids: list[str]) -> None:
    assert await listed(reader, query) == ids


@pytest.mark.parametrize(
    "query", ["repo=acme/secret", "actor=stranger", "before=r000000000000003&repo=acme/secret"]
)
async def test_no_filter_reaches_repository_that_the_user_may_not_read(reader: World, query: str) -> None:
    async with reader.client.get(f"/runs?{query}") as response:
        text = await response.text()

    assert "No runs match these filters." in text
    assert 'href="/runs/r' not in text


@pytest.mark.parametrize(
    "query", ["pull=x", "kind=boil", "status=fine", "before=../x", "actor=%3Cscript%3E", "env=%00"]
)
async def test_a_filter_that_can_mean_nothing_is_refused(reader: World, query: str) -> None:
    async with reader.client.get(f"/runs?{query}") as response:
        assert response.status == 400


async def test_outsider_sees_an_empty_list_and_a_stranger_the_login(world: World) -> None:
    await world.add_run()
    async with world.client.get("/runs?env=staging", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/login?next=/runs?env%3Dstaging")
    await log_in(world, "outsider")

    async with world.client.get("/runs") as response:
        text = await response.text()

    assert "There is no run yet in a repository that you may read." in text
    assert "acme" not in text


async def test_older_runs_are_one_page_away_and_filters_stay(world: World) -> None:
    world.github.rights["acme/infra", "dev"] = Permission.READ
    await log_in(world, "dev")
    for number in range(53):
        await world.add_run(f"r{number:015}", status=RunStatus.QUEUED)

    async with world.client.get("/runs?env=staging") as response:
        first = await response.text()
    older = re.search(r'href="(/runs\?[^"]+)" rel="next"', first)
    assert older is not None
    async with world.client.get(older[1].replace("&amp;", "&")) as response:
        second = await response.text()

    assert first.count('href="/runs/r') == 50
    assert re.findall(r'href="/runs/(r\w+)"', second) == [f"r{number:015}" for number in (2, 1, 0)]
    assert 'rel="next"' not in second
    assert 'href="/runs?env=staging">Newest' in second


async def test_rights_of_lists_are_remembered_for_minutes(reader: World) -> None:
    # Given a list that was looked at,
    assert await listed(reader) == ["4", "2", "1"]
    # when a right is taken away, then the list shows the repository for five minutes more,
    reader.github.rights["acme/web", "dev"] = Permission.NONE
    reader.clock.advance(minutes=4, seconds=59)
    assert await listed(reader) == ["4", "2", "1"]
    # although the run itself is not there any more, which the list learns, too.
    async with reader.client.get("/runs/r000000000000002") as response:
        assert response.status == 404
    assert await listed(reader) == ["4", "1"]


async def test_a_list_asks_again_after_five_minutes(reader: World) -> None:
    # Given a list that was looked at five minutes ago,
    await listed(reader)
    # when the rights have changed since, then it shows what they are now.
    reader.github.rights["acme/infra", "dev"] = Permission.NONE
    reader.clock.advance(minutes=5)
    assert await listed(reader) == ["2"]
