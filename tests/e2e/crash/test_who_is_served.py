"""What the operator lists changes, or a repository does: the bot is started again, and looks for what it has missed."""

from __future__ import annotations

import aiohttp
import pytest

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.conftest import watch
from tests.e2e.crash.scene import looked, planned
from tests.e2e.world import STAGING, World

_LEFT, _STRANGER = "acme/left", "acme/stranger"
_POLICY = """
version: 1
terraform: {{engine: terraform, version: "{version}"}}
environments:
  staging: {{autoplan: true, var_file: envs/staging.tfvars, drift: {{every: 1m}}, state_key: staging/left/terraform.tfstate}}
"""


@pytest.fixture
def settings() -> dict[str, str]:
    return {"GATEWRIGHT_RECONCILE_SECONDS": "1", "GATEWRIGHT_TICK_SECONDS": "0.5"}


async def test_nothing_missed_is_looked_for_of_who_is_not_listed(own: Playground) -> None:
    # Given a repository that was served and has an open pull request, and one that never was,
    github = own.github
    files = {path: await github.read(REPO, "main", path) or "" for path in ("terraform/main.tf", STAGING)}
    files["gatewright.yaml"] = _POLICY.format(version=own.engine.version)
    for repo in (_LEFT, _STRANGER):
        await github.create_repo(repo, files=files)
        await github.add_personas(repo)
    await own.bot.stop()
    own.repositories = (REPO, _LEFT)
    await own.start_bot()
    world = World(playground=own, repo=_LEFT)
    number = await world.open({STAGING: files[STAGING] + "\n# changed\n"})
    await world.hear(number, kind="plan", env="staging")
    await world.idle()
    runs = len(world.runs())

    # when it is listed no more, and both do something while the server is down,
    await own.bot.stop()
    own.repositories = (REPO,)
    await world.push({STAGING: files[STAGING] + "\n# once more\n"})
    await world.comment(number, "/plan")
    other = World(playground=own, repo=_STRANGER)
    theirs = await other.open({STAGING: files[STAGING] + "\n# changed\n"})
    await github.settled()
    requests, said = len(github.requests), len(github.comments(_LEFT, number))
    await own.start_bot()
    await looked(own, requests, times=3)
    await world.idle()

    # then neither of them is asked about, answered or planned.
    about = [one.path for one in github.requests[requests:] if "left" in one.path or "stranger" in one.path]
    assert about == []
    assert len(github.comments(_LEFT, number)) == said
    assert len(github.comments(_STRANGER, theirs)) == 0
    assert len(world.runs()) == runs
    assert other.runs() == []


async def test_new_repository_of_a_listed_name_needs_its_id_listed(own: Playground) -> None:
    # Given a repository that is served, and another one that has its name now,
    github, world, seen = own.github, World(playground=own, repo=REPO), await planned(own, "first")
    await world.idle()
    record = github.repo(REPO)
    before, record.id = record.id, github._hub.state.small_id()

    # when somebody comments there, then nobody answers, and the operator is told,
    requests = len(github.requests)
    comment = await github.comment(REPO, seen.number, author="dev", body="/plan staging")
    await world.idle()
    assert world.reactions(comment.id) == []
    assert [each.path for each in github.requests[requests:] if REPO in each.path] == []
    assert f"is another repository now (id {record.id}" in own.bot.tail()
    async with aiohttp.ClientSession() as session, session.get(f"{own.bot.url}/readyz") as answer:
        assert answer.status == 200
        assert "1 listed names are other repositories now" in (await answer.json())["repositories"]

    # and once the entry names its id, it is served, and the states stay the former one's.
    await own.bot.stop()
    own.repositories = (f"{REPO}#{record.id}",)
    await own.start_bot()
    await github.comment(REPO, seen.number, author="dev", body="/plan staging")
    refused = await watch(own, seen.number).hear({"kind": "refusal", "reason": "state_owner"})
    assert f"GitHub's repository {before}, which had this name before" in refused.body.replace("\\", "")
    await world.idle()
