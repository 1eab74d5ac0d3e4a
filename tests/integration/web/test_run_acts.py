"""What people may do from a run's page, and what is refused to whom."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from bot.adapters.encryption import AesGcmCipher
from bot.domain.core.model import Permission, Run, RunKind, RunStatus
from bot.ports import Artifact
from tests.fakes.records.builders import NOON
from tests.integration.web.acts import POLICY, post
from tests.integration.web.login import cookie, log_in, token
from tests.integration.web.world import World

SECRET = b"apiVersion: v1\nkind: Config\n"
KEY = "artifacts/staging/terraform.tfstate/r1/kubeconfig"


@pytest.fixture
async def running(world: World) -> Run:
    """A run that goes on; `dev` may write, `reader` may read, `olga` may write and owns the code."""
    for login, right in (
        ("dev", Permission.WRITE),
        ("reader", Permission.READ),
        ("olga", Permission.WRITE),
        ("admin", Permission.ADMIN),
    ):
        world.github.rights["acme/infra", login] = right
    world.github.files = {"gatewright.yaml": POLICY, ".github/CODEOWNERS": "* @acme/platform\n"}
    return await world.add_run(kind=RunKind.APPLY, status=RunStatus.RUNNING)


async def canceled_by(world: World, run: Run) -> str | None:
    async with world.database.read() as reader:
        now = await reader.run(run.id)
    assert now is not None
    return None if now.cancel_requested_by is None else now.cancel_requested_by.login


@pytest.mark.parametrize(
    ("login", "allowed"),
    [
        pytest.param("dev", True, id="who asked for it"),
        pytest.param("olga", True, id="an owner of its environment"),
        pytest.param("admin", True, id="an administrator"),
        pytest.param("mallory", False, id="whoever else may write"),
    ],
)
async def test_run_is_ended_from_its_page_by_those_allowed(
    world: World, running: Run, login: str, *, allowed: bool
) -> None:
    world.github.rights["acme/infra", "mallory"] = Permission.WRITE
    await log_in(world, login)
    async with world.client.get(f"/runs/{running.id}") as response:
        page = await response.text()

    status, text = await post(world.client, f"/runs/{running.id}/cancel", await token(world.client))

    assert ("Cancel this run" in page) is allowed
    assert (status, await canceled_by(world, running)) == ((303, login) if allowed else (403, None))
    assert allowed or "requester, the owners of its environment and administrators" in text


async def test_unreadable_policy_keeps_nobody_from_ending_their_own_work(world: World, running: Run) -> None:
    world.github.files = {"gatewright.yaml": "version: 0"}
    found = {}
    for login in ("olga", "admin"):
        await log_in(world, login)
        found[login], _ = await post(world.client, f"/runs/{running.id}/cancel", await token(world.client))

    assert found == {"olga": 403, "admin": 303}


async def test_requester_of_a_run_cancels_it_with_its_button(world: World, running: Run) -> None:
    await log_in(world, "dev")
    path = f"/runs/{running.id}"
    async with world.client.get(path) as response:
        before = await response.text()

    status, _ = await post(world.client, f"{path}/cancel", await token(world.client))

    async with world.client.get(path) as response:
        after = await response.text()
    assert "Cancel this run" in before
    assert (status, await canceled_by(world, running)) == (303, "dev")
    assert "Cancel this run" not in after
    assert "Canceled by" in after


async def test_who_may_only_read_gets_no_button_and_is_refused(world: World, running: Run) -> None:
    await log_in(world, "reader")
    async with world.client.get(f"/runs/{running.id}") as response:
        page = await response.text()

    status, text = await post(world.client, f"/runs/{running.id}/cancel", await token(world.client))

    assert "Cancel this run" not in page
    assert (status, await canceled_by(world, running)) == (403, None)
    assert "Cancelling needs write access to acme/infra." in text


async def test_a_right_that_was_lost_a_second_ago_cancels_nothing(world: World, running: Run) -> None:
    await log_in(world, "dev")
    async with world.client.get(f"/runs/{running.id}"):
        world.github.rights["acme/infra", "dev"] = Permission.READ

    status, _ = await post(world.client, f"/runs/{running.id}/cancel", await token(world.client))

    assert (status, await canceled_by(world, running)) == (403, None)


async def test_a_run_that_has_ended_is_not_canceled(world: World, running: Run) -> None:
    await log_in(world, "dev")
    await world.move(running, RunStatus.SUCCEEDED)

    status, text = await post(world.client, f"/runs/{running.id}/cancel", await token(world.client))

    assert status == 409
    assert "has ended already: succeeded" in text


async def test_a_form_without_the_session_s_token_does_nothing(world: World, running: Run) -> None:
    await log_in(world, "dev")
    mine = await token(world.client)
    await log_in(world, "dev")
    path = f"/runs/{running.id}/cancel"

    answers = {
        "none": await post(world.client, path, None),
        "empty": await post(world.client, path, ""),
        "of an earlier session": await post(world.client, path, mine),
        "from another site": await post(
            world.client, path, await token(world.client), **{"Sec-Fetch-Site": "cross-site"}
        ),
    }
    async with world.client.post(path, json={"token": await token(world.client)}) as response:
        as_json = response.status
    async with world.client.get(path) as response:
        by_link = response.status

    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(answers, 403)
    assert (as_json, by_link, await canceled_by(world, running)) == (403, 405, None)


@pytest.mark.parametrize("act", ["cancel", "artifacts/kubeconfig"])
async def test_for_an_outsider_there_is_nothing_to_act_on(world: World, running: Run, act: str) -> None:
    unknown = await post(world.client, f"/runs/{running.id}/{act}", "x")
    await log_in(world, "outsider")
    given = await token(world.client)

    seen = await post(world.client, f"/runs/{running.id}/{act}", given)
    nothing = await post(world.client, f"/runs/rnothing/{act}", given)

    assert (unknown[0], seen[0], nothing[0]) == (401, 404, 404)
    assert await canceled_by(world, running) is None


@pytest.fixture
async def kept(world: World, running: Run) -> Run:
    """An apply that kept a kubeconfig."""
    await world.bucket.put(KEY, AesGcmCipher(b"k" * 32).seal(SECRET, context=KEY))
    async with world.database.write() as writer:
        await writer.add_artifact(
            Artifact(run_id=running.id, name="kubeconfig", object_key=KEY, created_at=NOON)
        )
    return running


async def asked(world: World, run: Run) -> list[tuple[str, bool]]:
    async with world.database.read() as reader:
        return [(asked.by.login, asked.allowed) for asked in await reader.downloads(run.id)]


async def test_who_may_apply_downloads_an_artifact_and_is_recorded(world: World, kept: Run) -> None:
    await log_in(world, "dev")
    form = {"token": await token(world.client)}

    async with world.client.post(f"/runs/{kept.id}/artifacts/kubeconfig", data=form) as response:
        given = await response.read()
    async with world.client.get(f"/runs/{kept.id}") as response:
        page = await response.text()

    assert given == SECRET
    assert response.headers["Cache-Control"] == "no-store"
    assert await asked(world, kept) == [("dev", True)]
    assert "handed out" in page


async def test_the_file_is_saved_and_never_shown(world: World, kept: Run) -> None:
    await log_in(world, "dev")
    form = {"token": await token(world.client)}

    async with world.client.post(f"/runs/{kept.id}/artifacts/kubeconfig", data=form) as response:
        headers = response.headers

    assert headers["Content-Disposition"] == 'attachment; filename="staging-kubeconfig"'
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_who_may_only_read_is_refused_and_recorded(world: World, kept: Run) -> None:
    await log_in(world, "reader")
    async with world.client.get(f"/runs/{kept.id}") as response:
        page = await response.text()

    status, text = await post(
        world.client, f"/runs/{kept.id}/artifacts/kubeconfig", await token(world.client)
    )

    assert "Download" not in page
    assert status == 403
    assert "kind: Config" not in text
    assert "That you asked was recorded." in text
    assert await asked(world, kept) == [("reader", False)]


@pytest.mark.parametrize(
    ("login", "status"), [("dev", 403), ("olga", 200)], ids=["a writer who owns nothing", "a code owner"]
)
async def test_where_nobody_may_apply_only_code_owners_download(
    world: World, kept: Run, login: str, status: int
) -> None:
    world.github.files["gatewright.yaml"] = POLICY.replace(
        "    apply:\n      allow: write\n    after", "    after"
    )
    assert world.github.files["gatewright.yaml"] != POLICY
    await log_in(world, login)

    answer, _ = await post(world.client, f"/runs/{kept.id}/artifacts/kubeconfig", await token(world.client))

    assert answer == status


@pytest.mark.parametrize("policy", [None, "version: 9\n"], ids=["no policy", "an invalid one"])
async def test_while_nobody_knows_who_may_nobody_downloads(
    world: World, kept: Run, policy: str | None
) -> None:
    world.github.files = {} if policy is None else {"gatewright.yaml": policy}
    await log_in(world, "admin")

    answer, _ = await post(world.client, f"/runs/{kept.id}/artifacts/kubeconfig", await token(world.client))

    assert answer == 403


async def test_missing_or_foreign_artifact_is_reported(world: World, kept: Run) -> None:
    await log_in(world, "dev")
    given = await token(world.client)

    other = await post(world.client, f"/runs/{kept.id}/artifacts/..%2F..%2Fetc", given)
    await world.bucket.delete(KEY)
    gone = await post(world.client, f"/runs/{kept.id}/artifacts/kubeconfig", given)

    assert (other[0], gone[0]) == (409, 409)
    assert "is not kept any more" in gone[1]


async def test_a_copied_cookie_is_worth_nothing_after_the_logout(world: World, running: Run) -> None:
    await log_in(world, "dev")
    copy = cookie(world.client, "gatewright_session").value
    jar = {"Cookie": f"gatewright_session={copy}"}

    await post(world.client, "/logout", await token(world.client))
    async with world.client.get(f"/runs/{running.id}", headers=jar, allow_redirects=False) as page:
        seen = page.status
    async with world.client.get(f"/runs/{running.id}/stream", headers=jar) as stream:
        streamed = stream.status

    assert (seen, streamed) == (303, 401)


async def test_each_login_makes_a_new_session(world: World) -> None:
    seen = set()
    for _ in range(3):
        await log_in(world, "dev")
        seen.add((cookie(world.client, "gatewright_session").value, await token(world.client)))

    assert len({value for value, _ in seen}) == len({given for _, given in seen}) == 3


async def test_a_cookie_with_any_bit_changed_logs_nobody_in(world: World, running: Run) -> None:
    await log_in(world, "dev")
    good = cookie(world.client, "gatewright_session").value
    world.client.session.cookie_jar.clear()

    for place in range(0, len(good) - 2, 7):
        changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        jar = SimpleCookie({"gatewright_session": changed}).output(header="", sep=";").strip()
        async with world.client.get(
            f"/runs/{running.id}", headers={"Cookie": jar}, allow_redirects=False
        ) as response:
            assert (place, response.status) == (place, 303)
