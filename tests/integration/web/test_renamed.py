"""What a renamed visitor may see and do, and what another account with the former login may."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.core.accounts import Account
from bot.domain.core.model import Permission, Run, RunKind, RunStatus
from bot.web.access import REMEMBERED
from tests.fakes.accounts import account, unnumbered
from tests.integration.web.acts import POLICY, post
from tests.integration.web.login import begin, come_back, log_in, token
from tests.integration.web.world import World

OTHER = 4242


async def running(world: World, actor: Account | None = None) -> Run:
    for login in ("dev", "developer"):
        world.github.rights["acme/infra", login] = Permission.WRITE
    world.github.files = {"gatewright.yaml": POLICY, ".github/CODEOWNERS": "* @acme/platform\n"}
    return await world.add_run(kind=RunKind.APPLY, status=RunStatus.RUNNING, by=actor)


async def looks_at(world: World, run: Run) -> int:
    async with world.client.get(f"/runs/{run.id}", allow_redirects=False) as response:
        return response.status


async def test_session_sees_nothing_under_a_login_that_was_given_up(world: World) -> None:
    run = await running(world)
    await log_in(world, "dev")
    seen = await looks_at(world, run)

    world.github.ids["dev"] = None
    world.clock.advance(seconds=REMEMBERED.total_seconds() + 1)

    assert (seen, await looks_at(world, run)) == (200, 404)


async def test_a_session_gets_nothing_of_who_took_its_login(world: World) -> None:
    run = await running(world)
    await log_in(world, "dev")
    form = await token(world.client)

    world.github.ids["dev"] = OTHER
    world.github.rights["acme/infra", "dev"] = Permission.ADMIN

    assert (await post(world.client, f"/runs/{run.id}/cancel", form))[0] == 404


async def test_who_took_a_login_cancels_nothing_of_its_former_holder(world: World) -> None:
    run = await running(world)
    world.github.ids["dev"] = OTHER

    await log_in(world, "dev")

    assert (await post(world.client, f"/runs/{run.id}/cancel", await token(world.client)))[0] == 403


async def test_who_renamed_cancels_their_run_after_a_new_login(world: World) -> None:
    run = await running(world)
    world.github.ids |= {"dev": None, "developer": account("dev").id}

    await log_in(world, "developer")

    assert (await post(world.client, f"/runs/{run.id}/cancel", await token(world.client)))[0] == 303


async def test_a_run_on_record_without_id_is_nobodys_own(world: World) -> None:
    run = await running(world, unnumbered("dev"))

    await log_in(world, "dev")

    assert (await post(world.client, f"/runs/{run.id}/cancel", await token(world.client)))[0] == 403


@pytest.mark.parametrize(
    "answer", [{"login": "dev"}, {"login": "dev", "id": "5"}, {"id": 5}, {"login": "dev", "id": True}]
)
async def test_who_github_does_not_identify_is_not_logged_in(world: World, answer: dict[str, Any]) -> None:
    world.github.users["dev"] = answer
    asked = await begin(world.client)
    world.github.codes["the code"] = "dev"
    status, _ = await come_back(world.client, code="the code", state=asked["state"])

    assert status == 403


async def test_a_session_of_an_older_version_logs_in_again(world: World) -> None:
    run = await running(world)
    pages = world.services.pages
    assert pages is not None
    value = b'{"cookie": "gatewright_session", "id": "s", "login": "dev", "token": "t"}'
    old = pages.oauth.sessions._fernet.encrypt_at_time(value, int(world.clock.now().timestamp()))

    jar = {"Cookie": f"gatewright_session={old.decode()}"}
    async with world.client.get(f"/runs/{run.id}", headers=jar, allow_redirects=False) as response:
        assert response.headers["Location"].startswith("/login?next=")
