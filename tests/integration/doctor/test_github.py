"""What doctor sees of the App at GitHub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.doctor.findings import Finding, attempt
from bot.doctor.github import github_part
from bot.domain.core.app_permissions import app_events, app_permissions
from bot.playground.github import StandIn, StandInConfig
from bot.settings import Settings

SPEC = Path(__file__).parents[2] / "data" / "github" / "openapi-subset.json"
PUBLIC = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Scene:
    github: StandIn

    def settings(self, **changes: Any) -> Settings:
        given: dict[str, Any] = {
            "repositories": "acme/infra",
            "github_api_url": self.github.api_url,
            "github_app_id": str(self.github.config.app_id),
            "github_private_key": self.github.private_key_pem,
            "webhook_secret": "a secret of tests",
            "public_url": PUBLIC,
            "s3_endpoint_url": "http://127.0.0.1:9",
            "state_bucket": "states",
            "artifact_bucket": "artifacts",
            "s3_access_key_id": "id",
            "s3_secret_access_key": "key",
            "encryption_key": "x",
        }
        return Settings(_env_file=None, **{**given, **changes})

    async def look(self, **changes: Any) -> list[Finding]:
        part = github_part(self.settings(**changes), {})
        first = await attempt(part, {})
        assert first.grade == "ok", first.sentence
        assert part.more is not None
        return list(await part.more())

    async def complaints(self, **changes: Any) -> list[tuple[str, str, str]]:
        found = await self.look(**changes)
        return [(each.grade, each.part, each.sentence) for each in found if each.grade != "ok"]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    config = StandInConfig(state_dir=tmp_path, spec=SPEC, webhook_url=f"{PUBLIC}/webhooks/github")
    github = StandIn(config)
    await github.start()
    github.hooks.pause()
    await github.create_repo("acme/infra", files={"README.md": "hello\n"})
    yield Scene(github)
    await github.stop()
    assert github.crashes == []
    assert github.violations == []


async def test_an_app_that_has_what_it_needs_is_well(scene: Scene) -> None:
    found = await scene.look()

    tip = (await scene.github.head("acme/infra", "main"))[:7]
    assert [(each.grade, each.part) for each in found] == [
        ("ok", "App permissions"),
        ("ok", "App webhook"),
        ("ok", "App on acme"),
        ("ok", "git of acme"),
    ]
    assert found[-1].sentence == f"acme/infra can be fetched from {scene.github.url} ({tip})"


async def test_an_account_that_lags_behind_the_app_is_named(scene: Scene) -> None:
    kept = {name: level for name, level in app_permissions().items() if name != "merge_queues"}
    scene.github.change_app(permissions=kept, events=app_events(kept))
    scene.github.change_app(permissions=app_permissions(), events=app_events())

    [(grade, part, sentence)] = await scene.complaints()

    address = f"{scene.github.url}/settings/installations/{scene.github.installation('acme').id}"
    assert (grade, part) == ("warning", "App on acme")
    assert "acme has not accepted Merge queues (read), so a merge queue never" in sentence
    assert sentence.endswith(f'must click "Review request" at {address}')


async def test_an_app_that_asks_for_too_little_is_named(scene: Scene) -> None:
    scene.github.change_app(
        permissions={"contents": "read", "metadata": "read", "pull_requests": "write"}, events=("push",)
    )

    found = await scene.complaints()

    wrong = [sentence for grade, part, sentence in found if (grade, part) == ("error", "App permissions")]
    assert [sentence.partition(":")[0] for sentence in wrong] == [
        "the App does not ask for Checks (write)",
        "the App does not ask for Issues (write)",
        'the App is not subscribed to "Pull request" (Plans of new commits; merges and closed pull requests)',
        'the App is not subscribed to "Pull request review" (Approvals, each for the commit that it was given for)',
    ]


async def test_a_suspended_account_and_one_without_the_app_are_wrong(scene: Scene) -> None:
    await scene.github.create_repo("other/net", installed=False)
    scene.github.suspend("acme", by="acme")

    found = await scene.complaints(repositories="acme/infra,other/net")

    assert [(grade, part) for grade, part, _ in found] == [
        ("error", "App on acme"),
        ("error", "App on other"),
    ]
    assert "the App is suspended on acme, so nothing reaches Gatewright from acme/infra" in found[0][2]
    assert found[1][2].endswith(f"install it at {scene.github.url}/apps/gatewright/installations/new")


async def test_a_listed_repository_without_the_app_is_named(scene: Scene) -> None:
    await scene.github.create_repo("acme/net", installed=False)
    await scene.github.create_repo("third/infra")

    found = await scene.look(repositories="acme/infra,acme/net")

    [missing] = [each for each in found if each.grade != "ok"]
    assert missing.grade == "warning"
    assert missing.sentence.startswith(
        "the App is not installed on acme/net, so Gatewright cannot serve them"
    )
    assert "also installed on third, where no repository is listed: ignored" in [
        each.sentence for each in found
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"public_url": "https://gatewright.example.org"},
            "and not to https://gatewright.example.org/webhooks/github",
        ),
        ({}, "sends form and not json"),
    ],
    ids=["another address", "forms"],
)
async def test_a_webhook_that_does_not_arrive_is_wrong(
    scene: Scene, changes: dict[str, str], words: str
) -> None:
    if not changes:
        scene.github.hooks.content_type = "form"

    [(grade, part, sentence)] = await scene.complaints(**changes)

    assert (grade, part) == ("error", "App webhook")
    assert words in sentence


async def test_git_that_cannot_be_reached_names_the_setting(scene: Scene) -> None:
    [(grade, part, sentence)] = await scene.complaints(github_url="http://127.0.0.1:9")

    assert (grade, part) == ("error", "git of acme")
    assert "no plan can fetch acme/infra from http://127.0.0.1:9; check GATEWRIGHT_GITHUB_URL" in sentence
    assert "Authorization" not in sentence


async def test_a_missing_list_of_repositories_skips_what_needs_it(scene: Scene) -> None:
    part = github_part(scene.settings(), {"repositories": "is required"})
    assert part.more is not None

    found = await part.more()

    assert found[-1].grade == "skipped"
    assert found[-1].sentence == "needs GATEWRIGHT_REPOSITORIES"
