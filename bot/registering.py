"""Register the GitHub App: a page for the browser, then the settings that GitHub returns."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.adapters.github.manifest import convert_code
from bot.domain.core.app_manifest import app_manifest, manifest_page
from bot.domain.core.errors import GatewrightError
from bot.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """The requested App."""

    name: str
    organization: str | None
    only_required: bool
    page: Path | None


def write_manifest(settings: Settings, new: NewApp) -> str:
    """Return the manifest as JSON, or instructions for the page that was written."""
    if not settings.public_url:
        raise GatewrightError(
            f"{PREFIX}PUBLIC_URL is required: the URL under which GitHub reaches this server, for example"
            f" {PREFIX}PUBLIC_URL=https://gatewright.example.org"
        )
    manifest = app_manifest(settings.public_url, name=new.name, only_required=new.only_required)
    if new.page is None:
        return json.dumps(manifest, indent=2)
    page = manifest_page(manifest, web_origin=settings.web_origin, organization=new.organization)
    new.page.write_text(page, encoding="utf-8")
    return (
        f"open {new.page} in a browser and press its button; GitHub then leads to {settings.public_url}/?code=CODE:"
        " run `gatewright app credentials CODE` with that code within an hour"
    )


async def fetch_credentials(settings: Settings, code: str, key_file: Path) -> str:
    """Write the private key and return the settings of the new App; GitHub shows them once."""
    _require_new(key_file)
    app = await convert_code(settings.github_api_url, quote(code, safe=""))
    _write_private(key_file, app.pem)
    return "\n".join(
        [
            f"{PREFIX}GITHUB_APP_ID={app.id}",
            f"{PREFIX}GITHUB_PRIVATE_KEY_FILE={key_file}",
            f"{PREFIX}WEBHOOK_SECRET={app.webhook_secret}",
            f"{PREFIX}GITHUB_CLIENT_ID={app.client_id}",
            f"{PREFIX}GITHUB_CLIENT_SECRET={app.client_secret}",
            f"# Next: install the App on your repositories at {app.html_url}, then run `gatewright doctor`.",
        ]
    )


def _require_new(file: Path) -> None:
    # GitHub returns the key once, so the code is not used where the key cannot be stored.
    if file.exists():
        raise GatewrightError(f"{file} exists: remove it, or name another file with --key-file")


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
