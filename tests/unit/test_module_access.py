"""Who is given a way to private modules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from pydantic import SecretStr, ValidationError

from bot.credentials import SettingsCredentials
from bot.domain.core.model import Repo
from bot.ports import GitHub
from bot.settings import EnvironmentSecrets, Settings


@dataclass
class _GitHub:
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    async def known_repository(self, full_name: str) -> Repo:
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=7)

    async def module_token(self, repo: Repo, names: Sequence[str]) -> str:
        self.asked.append((repo.full_name, [*names]))
        return "ghs_for-modules"


def settings(listed: object) -> Settings:
    return Settings(
        _env_file=None,
        github_app_id="1",
        github_private_key=SecretStr("key"),
        webhook_secret=SecretStr("webhook-secret"),
        s3_endpoint_url="http://127.0.0.1",
        state_bucket="states",
        artifact_bucket="artifacts",
        s3_access_key_id=SecretStr("id"),
        s3_secret_access_key=SecretStr("secret"),
        encryption_key=SecretStr("key"),
        repositories="acme/infra",
        module_repositories=listed,
    )


def credentials(listed: object, github: _GitHub | None) -> SettingsCredentials:
    return SettingsCredentials(
        settings=settings(listed), secrets=EnvironmentSecrets({}), github=cast("GitHub | None", github)
    )


async def test_only_listed_repositories_of_the_same_owner_are_asked_for() -> None:
    github = _GitHub()

    access = await credentials('["Acme/modules", "other/modules"]', github).module_access("acme/infra")

    assert github.asked == [("acme/infra", ["modules"])]
    assert access.environment["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraheader"
    assert "ghs_for-modules" in access.secrets
    assert "ghs_for-modules" not in repr(access)


@pytest.mark.parametrize("listed", ["[]", '["other/modules"]'])
async def test_without_a_listed_repository_nothing_is_asked_for(listed: str) -> None:
    github = _GitHub()

    access = await credentials(listed, github).module_access("acme/infra")

    assert (access.environment, github.asked) == ({}, [])


async def test_without_an_app_there_is_no_access() -> None:
    assert (await credentials('["acme/modules"]', None).module_access("acme/infra")).environment == {}


@pytest.mark.parametrize("listed", ["acme/modules", '["acme/*"]', '["modules"]', '["acme/a/b"]'])
def test_what_is_no_list_of_repositories_is_refused(listed: str) -> None:
    with pytest.raises(ValidationError, match="JSON list"):
        settings(listed)
