"""GitHub's own JavaScript client finds in the stand-in what it finds at GitHub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.playground.github.records.checks import CheckRun
from tests.integration.octokit.client import _HERE, client, run
from tests.integration.standin.conftest import REPO, World, app_key, clock, receiver, world

__all__ = ["app_key", "client", "clock", "receiver", "world"]


async def scenery(world: World) -> tuple[int, str]:
    """Make five pull requests, one of them with reviews; returns its number and head."""
    github = world.github
    for branch in ("a", "b", "c", "d"):
        await github.open_pull(REPO, author="dev", branch=branch, files={branch: "1\n"})
    pull = await github.open_pull(REPO, author="dev", branch="e", files={"terraform/e.tf": "# e\n"})
    await github.review(REPO, pull.number, author="owner", state="approved", body="good")
    github.require_checks(REPO, "tests")
    await github.settled()
    return pull.number, pull.head_sha


def deliveries(world: World) -> list[dict[str, str]]:
    return [
        {
            "body": each.raw.decode(),
            "signature": each.headers["X-Hub-Signature-256"],
            "name": each.headers["X-GitHub-Event"],
            "id": each.headers["X-GitHub-Delivery"],
        }
        for each in world.receiver.received
    ]


async def test_the_client_of_github_itself_finds_nothing_amiss(world: World, client: Path) -> None:
    number, sha = await scenery(world)
    owner, _, repo = REPO.partition("/")
    given: Mapping[str, Any] = {
        "apiUrl": world.github.api_url,
        "appId": world.github.config.app_id,
        "clientId": world.github.config.client_id,
        "privateKey": world.github.private_key_pem,
        "webhookSecret": world.github.config.webhook_secret,
        "owner": owner,
        "repo": repo,
        "pull": number,
        "sha": sha,
        "deliveries": deliveries(world),
    }

    code, said, errors = await run(client, "node", "check.mjs", given=json.dumps(given))

    assert code == 0, errors
    seen = json.loads(said)
    comment = seen.pop("a comment")
    assert (comment["body"], comment["by"], comment["all"]) == ("second", "Bot", ["second"])
    assert seen == {
        "the app by its key": "gatewright",
        "its installations": ["acme"],
        "a token of the installation": {"kind": "ghs_", "contents": "write"},
        "its repositories": [REPO],
        "pull requests, page by page": [1, 2, 3, 4, 5],
        "a pull request and its files": {"sha": sha, "base": "main", "files": ["terraform/e.tf"]},
        "a reaction": {"content": "eyes", "status": 201},
        "a minimised comment": True,
        "an error of graphql": "GraphqlResponseError",
        "a check run": [["completed", "success", "done"]],
        "a commit status": ["octokit"],
        "rules of a branch, page by page": [["deletion", None], ["required_status_checks", ["tests"]]],
        "reviews": [["owner", "APPROVED", True]],
        "contents": 'resource "terraform_data" "one" {}\n',
        "raw contents": 'resource "terraform_data" "one" {}\n',
        "a missing file": ["HttpError", 404],
        "a deployment": {"state": "success", "all": 1},
        "a permission": ["write", "write"],
        "rate limits": "number",
        "deliveries": True,
        "signatures of webhooks": [True],
        "webhooks by name": [1, 2, 3, 4, 5],
    }
    runs: list[CheckRun] = [run for run in world.github.check_runs(REPO, sha) if run.name == "octokit"]
    assert [run.conclusion for run in runs] == ["success"]


def test_the_lock_file_pins_by_digest_and_holds_no_address() -> None:
    lock = json.loads((_HERE / "package-lock.json").read_text(encoding="utf-8"))

    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 20
    assert [
        name for name, package in packages.items() if not package["integrity"].startswith("sha512-")
    ] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert "://" not in json.dumps(lock)
