"""The page of a repository's environments: what is recorded of each, for whoever may read the repository."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.domain.core.accounts import SELF
from bot.domain.core.model import EnvName, Permission, ProjectName, RunKind, RunStatus
from bot.domain.environments.parity import Verdict
from bot.domain.environments.waits import Wait, WaitReason
from bot.domain.gates.freezes import HoldCause
from bot.ports.records.parity import Comparison
from tests.fakes.accounts import account
from tests.fakes.records.builders import HEAD, NOON, hold, lock, stack
from tests.fakes.records.releases import a_release, a_verification
from tests.fakes.records.rows import a_state_version
from tests.integration.web.login import log_in
from tests.integration.web.world import World

POLICY = """
version: 1
terraform: {version: "1.11.4"}
environments:
  dev: {trigger: local}
  test: {lifecycle: pull_request, state_key: "test/{pull}.tfstate"}
  staging: {twin: prod, data_refresh: {from: prod, command: [./copy]}}
  prod: {apply: {from: staging}, freezes: [{start: 2026-01-01, end: 2027-01-01, reason: "the <audit>"}]}
"""


@pytest.fixture
async def reader(world: World) -> World:
    """A repository with runs and a policy, which `dev` may read."""
    world.github.files["gatewright.yaml"] = POLICY
    world.github.rights["acme/infra", "dev"] = Permission.READ
    await log_in(world, "dev")
    await world.add_run()
    return world


async def sections(world: World, query: str = "") -> dict[str, str]:
    """Return the words of each stack's section, without markup."""
    async with world.client.get(f"/environments{query}", allow_redirects=False) as response:
        assert response.status == 200
        assert "script" not in response.headers["Content-Security-Policy"].replace("script-src 'self'", "")
        text = await response.text()
    assert "<script" not in text
    parts = re.findall(r"<section.*?<h2[^>]*>(.*?)</h2>(.*?)</section>", text, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", " ", body).split()) for name, body in parts}


async def test_a_stack_of_which_nothing_is_recorded_says_so(reader: World) -> None:
    found = await sections(reader)

    assert list(found) == ["staging", "prod"]
    assert found["staging"] == (
        "Held by nobody Hold none Last good apply never Newest release none Drift never checked"
        " Waiting nobody Data from prod not refreshed yet"
    )
    assert "closed by the calendar : the &lt;audit&gt;" in found["prod"]


async def test_everything_that_is_recorded_of_a_stack_is_shown(reader: World) -> None:
    apply = await reader.add_run("r000000000000001", kind=RunKind.APPLY)
    await reader.add_run("r000000000000002", kind=RunKind.DATA_REFRESH, status=RunStatus.FAILED, pull=None)
    drift = await reader.add_run("r000000000000003", kind=RunKind.DRIFT, status=RunStatus.RUNNING, pull=None)
    own = stack("test", state_key="test/9.tfstate")
    async with reader.database.write() as writer:
        await writer.set_result(drift.id, summary="2 resources", detail={"drifted": 2})
        await writer.move_run(
            drift.id, RunStatus.SUCCEEDED, at=NOON + timedelta(hours=1), actor=SELF, why="done"
        )
        await writer.take_lock(lock())
        await writer.take_lock(lock(stack=own, pull=9))
        await writer.add_hold(hold())
        await writer.add_hold(
            hold(repo=None, env=None, cause=HoldCause.STOP, reason="an upgrade", by=account("operator"))
        )
        await writer.add_wait(Wait(stack=stack(), pull=8, reason=WaitReason.REFUSED, since=NOON))
        await writer.add_state_version(
            a_state_version(5, run_id=apply.id, commit=HEAD, moment="after", taken_at=NOON)
        )
        await writer.add_release(a_release(run_id=apply.id, stack=stack(), recorded_at=NOON))
        await writer.add_verification(a_verification("r123456789abcdef", stack=stack(), verified_at=NOON))
        await writer.note_comparison(
            Comparison(
                repo="acme/infra",
                project=ProjectName("default"),
                env=EnvName("staging"),
                twin=EnvName("prod"),
                verdict=Verdict.DIFFERS,
                differences=1,
                commit=HEAD,
                pull=7,
                compared_at=NOON,
            )
        )

    found = await sections(reader)

    assert list(found) == ["test", "staging", "prod"]
    assert "Held by pull request #9 ( dev )" in found["test"].replace("(dev)", "( dev )")
    for words in (
        "Held by pull request #7 (dev) since 2026-03-04 12:00:00 UTC",
        "on hold : the database is being moved (owner, since",
        "everything is stopped : an upgrade (operator, since",
        "Last good apply aaaaaaaaaaaa by dana,",
        "serial 5 ( run )",
        "Newest release p2345678",
        "verified 2026-03-04 12:00:00 UTC",
        "2 changed outside Terraform , checked 2026-03-04 13:00:00 UTC",
        "Waiting 1. pull request #8 since",
        "refresh failed",
        "Twin prod 1 difference , compared",
    ):
        assert words in found["staging"], words
    assert "Twin staging 1 difference" in found["prod"]


async def test_what_was_verified_and_is_no_more_is_told(reader: World) -> None:
    apply = await reader.add_run("r000000000000001", kind=RunKind.APPLY)
    async with reader.database.write() as writer:
        await writer.add_release(a_release(run_id=apply.id, stack=stack()))
        await writer.add_verification(a_verification("r123456789abcdef", stack=stack()))
        await writer.revoke_verifications(stack(), why="a later apply", at=NOON)

    assert "verified no more : a later apply" in (await sections(reader))["staging"]


async def test_one_repository_is_shown_and_the_others_can_be_chosen(reader: World) -> None:
    reader.github.rights["acme/web", "dev"] = Permission.READ
    await reader.add_run("r000000000000009", repo="acme/web")

    async with reader.client.get("/environments") as response:
        newest = await response.text()
    async with reader.client.get("/environments?repo=ACME/infra") as response:
        named = await response.text()

    assert "Environments of acme/web" in newest
    assert "<option selected>acme/infra</option>" in named
    assert "dev is on developers&#39; machines" in named or "dev is on developers' machines" in named


async def test_one_environment_can_be_chosen_and_another_is_missing(reader: World) -> None:
    assert list(await sections(reader, "?repo=acme/infra&env=prod")) == ["prod"]

    for env in ("nowhere", "dev"):
        async with reader.client.get(f"/environments?env={env}") as response:
            assert response.status == 404


async def test_page_has_a_limit_and_says_what_is_left_out(reader: World) -> None:
    names = [f"p{number}" for number in range(40)]
    projects = ", ".join(f"{{name: {name}, dir: {name}}}" for name in names)
    reader.github.files["gatewright.yaml"] = (
        f'version: 1\nterraform: {{version: "1.11.4"}}\nprojects: [{projects}]\n'
        "environments: {staging: {}, prod: {}}\n"
    )

    async with reader.client.get("/environments") as response:
        text = await response.text()

    assert text.count("<section") == 60
    assert "20 more are not shown: choose an environment." in text
    assert len(await sections(reader, "?env=prod")) == 40


async def test_a_policy_that_cannot_be_read_is_told(reader: World) -> None:
    reader.github.files["gatewright.yaml"] = "version: 2"

    async with reader.client.get("/environments") as response:
        text = await response.text()

    assert "The policy of this repository cannot be read" in text
    assert "gatewright.yaml:1: version: must be 1" in text


@pytest.mark.parametrize("repo", ["acme/secret", "acme/none", "%3Cscript%3E"])
async def test_what_may_not_be_read_is_not_there(reader: World, repo: str) -> None:
    await reader.add_run("r000000000000008", repo="acme/secret")

    async with reader.client.get(f"/environments?repo={repo}") as response:
        assert response.status == 404
        assert "acme/secret" not in await response.text()


async def test_an_outsider_sees_nothing_and_a_stranger_the_login(world: World) -> None:
    await world.add_run()
    async with world.client.get("/environments", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/login?next=/environments")
    await log_in(world, "outsider")

    async with world.client.get("/environments") as response:
        text = await response.text()

    assert "There is no run yet in a repository that you may read." in text
    assert "acme" not in text
