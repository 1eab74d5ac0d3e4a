"""Registering the App: the manifest, the page, and what GitHub gives back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.domain.core.app_manifest import app_manifest
from bot.domain.core.app_permissions import app_events, app_permissions
from bot.domain.core.errors import GatewrightError, GitHubError
from bot.playground.github import StandIn, StandInConfig
from bot.playground.github.grants import registration_faults
from bot.registering import NewApp, fetch_credentials, write_manifest
from bot.settings import Settings

URL = "https://gatewright.example.org"


def settings(**changes: Any) -> Settings:
    return Settings.model_construct(
        github_api_url="https://api.github.com", github_url="", public_url=URL
    ).model_copy(update=changes)


@pytest.fixture
async def github(tmp_path: Path) -> AsyncIterator[StandIn]:
    found = StandIn(StandInConfig(state_dir=tmp_path / "github"))
    await found.start()
    yield found
    await found.stop()
    assert found.crashes == []


@pytest.mark.parametrize("only_required", [False, True])
def test_the_manifest_is_one_that_github_accepts(only_required: bool) -> None:  # noqa: FBT001
    manifest = app_manifest(URL, name="Gatewright", only_required=only_required)

    assert registration_faults(manifest["default_permissions"], manifest["default_events"]) == []
    assert manifest["hook_attributes"] == {"url": f"{URL}/webhooks/github", "active": True}
    assert manifest["callback_urls"] == [f"{URL}/login/callback"]
    assert manifest["public"] is False
    if not only_required:
        assert manifest["default_permissions"] == app_permissions()
        assert manifest["default_events"] == list(app_events())


def test_the_page_hands_the_manifest_to_the_organisation(tmp_path: Path) -> None:
    page = tmp_path / "register.html"
    new = NewApp(name='"Gate" & <wright>', organization="acme", only_required=False, page=page)

    said = write_manifest(settings(), new)

    text = page.read_text()
    found = re.search(r'name="manifest" value="([^"]*)"', text)
    assert found is not None
    assert json.loads(unescape(found[1])) == app_manifest(URL, name='"Gate" & <wright>')
    assert 'action="https://github.com/organizations/acme/settings/apps/new"' in text
    assert "run `gatewright app credentials CODE`" in said


def test_a_manifest_needs_the_public_address() -> None:
    new = NewApp(name="Gatewright", organization=None, only_required=False, page=None)

    with pytest.raises(GatewrightError, match="GATEWRIGHT_PUBLIC_URL is required"):
        write_manifest(settings(public_url=""), new)


async def test_the_code_gives_the_key_and_the_settings_once(github: StandIn, tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    there = settings(github_api_url=github.api_url)

    said = await fetch_credentials(there, "c" * 20, key)

    assert key.read_text() == github.private_key_pem
    assert key.stat().st_mode & 0o777 == 0o600
    assert f"GATEWRIGHT_GITHUB_APP_ID={github.config.app_id}" in said
    assert f"GATEWRIGHT_WEBHOOK_SECRET={github.config.webhook_secret}" in said
    assert "BEGIN" not in said
    with pytest.raises(GatewrightError, match="exists: remove it, or name another file with --key-file"):
        await fetch_credentials(there, "c" * 20, key)


async def test_a_code_that_is_over_says_to_begin_again(github: StandIn, tmp_path: Path) -> None:
    with pytest.raises(GitHubError, match="a code can be used once, within an hour"):
        await fetch_credentials(settings(github_api_url=github.api_url), "old", tmp_path / "app.pem")

    assert not (tmp_path / "app.pem").exists()
