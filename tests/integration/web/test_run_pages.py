from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.core.accounts import Account
from bot.domain.core.errors import GitHubUnavailableError
from bot.domain.core.model import Permission, Repo
from bot.web.access import Visitors
from tests.integration.web.login import log_in
from tests.integration.web.served import Served
from tests.integration.web.world import World


async def see(world: World, path: str) -> tuple[int, str]:
    async with world.client.get(path, allow_redirects=False) as response:
        return response.status, await response.text()


@pytest.fixture
async def reader(world: World) -> World:
    """A world in which `dev` is logged in and may read acme/infra."""
    world.github.rights["acme/infra", "dev"] = Permission.READ
    await log_in(world, "dev")
    return world


async def test_reader_sees_run_its_timeline_its_plan_and_its_log(reader: World) -> None:
    run = await reader.add_run(text="# terraform_data.a will be created")
    reader.logs.stored[run.id] = "Initializing the backend...\nDone."

    status, text = await see(reader, f"/runs/{run.id}")

    assert status == 200
    for part in (
        "Plan of staging",
        "succeeded",
        f'href="{reader.github.url}/acme/infra/pull/7"',
        "aaaaaaaaaaaa",
        "staging/terraform.tfstate",
        "step 2",
        "2026-03-04 12:02:20 UTC",
        "1 min 10 s",
        "# terraform_data.a will be created",
        "Initializing the backend...",
        f'href="/runs/{run.id}/log"',
    ):
        assert part in text
    assert "<script" not in text
    assert "/stream" not in text


async def test_the_whole_log_is_text(reader: World) -> None:
    run = await reader.add_run()
    reader.logs.stored[run.id] = "line\n" * 100_000

    async with reader.client.get(f"/runs/{run.id}/log") as response:
        whole = await response.text()
    _, page = await see(reader, f"/runs/{run.id}")

    assert (response.content_type, whole) == ("text/plain", "line\n" * 100_000)
    assert "its end is shown here" in page
    assert len(page) < 210_000


async def test_a_run_without_a_log_says_so(reader: World) -> None:
    run = await reader.add_run()

    page = await see(reader, f"/runs/{run.id}")
    log = await see(reader, f"/runs/{run.id}/log")

    assert "There is no log, or it is not kept any more." in page[1]
    assert (page[0], log[0]) == (200, 404)


async def test_nothing_that_a_pull_request_wrote_becomes_markup(reader: World) -> None:
    run = await reader.add_run(text="</pre><script>alert(1)</script>")
    reader.logs.stored[run.id] = "<img src=x onerror=alert(2)>\x1b[31mred\x1b[0m"

    _, text = await see(reader, f"/runs/{run.id}")

    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "\x1b" not in text
    assert "&gt;red" in text


async def test_stranger_is_sent_to_login_for_any_run(world: World) -> None:
    run = await world.add_run()

    for path in (f"/runs/{run.id}", f"/runs/{run.id}/log", "/runs/rnothing"):
        async with world.client.get(path, allow_redirects=False) as response:
            assert response.status == 303
            assert response.headers["Location"] == f"/login?next={path}"


async def test_visitor_without_read_access_sees_no_such_run(world: World) -> None:
    run = await world.add_run()
    world.github.rights["acme/other", "outsider"] = Permission.ADMIN
    await log_in(world, "outsider")

    seen = await see(world, f"/runs/{run.id}")
    log = await see(world, f"/runs/{run.id}/log")
    nothing = await see(world, "/runs/rnothing")

    assert (seen[0], log[0], nothing[0]) == (404, 404, 404)
    assert "acme" not in seen[1]


async def test_rights_are_remembered_for_twenty_seconds(reader: World) -> None:
    run = await reader.add_run()
    before, _ = await see(reader, f"/runs/{run.id}")
    reader.github.rights["acme/infra", "dev"] = Permission.NONE

    reader.clock.advance(seconds=19)
    soon, _ = await see(reader, f"/runs/{run.id}")
    reader.clock.advance(seconds=1)
    after, _ = await see(reader, f"/runs/{run.id}")

    assert (before, soon, after) == (200, 200, 404)


async def test_when_rights_cannot_be_asked_nothing_is_shown(reader: World, served: Served) -> None:
    run = await reader.add_run()
    pages = reader.services.pages
    assert pages is not None

    class Away:
        async def permission(self, repo: Repo, account: Account) -> Permission:
            del repo, account
            raise GitHubUnavailableError("down")

    client = await served(pages=replace(pages, visitors=Visitors(Away(), reader.clock)))
    await log_in(reader, "dev", client)

    async with client.get(f"/runs/{run.id}") as response:
        assert response.status == 503
        assert "acme" not in await response.text()


@pytest.mark.parametrize("id", ["R1", "..%2f..%2fetc", "r1'--", "r" * 33, "%00", "r%20"])
async def test_an_odd_run_id_is_no_run(reader: World, id: str) -> None:
    async with reader.client.get(f"/runs/{id}") as response:
        assert response.status == 404
