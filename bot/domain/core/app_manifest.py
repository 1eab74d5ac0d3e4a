"""The App manifest, with which a browser registers an App that has all it needs."""

from __future__ import annotations

import html
import json
from typing import Any

from bot.domain.core.app_permissions import app_events, app_permissions
from bot.domain.core.app_registration import WEBHOOK_PATH

LOGIN_PATH = "/login/callback"


def app_manifest(public_url: str, *, name: str, only_required: bool = False) -> dict[str, Any]:
    """Return the manifest; see GitHub's page "Registering a GitHub App from a manifest"."""
    permissions = app_permissions(only_required=only_required)
    return {
        "name": name,
        "url": public_url,
        "hook_attributes": {"url": f"{public_url}{WEBHOOK_PATH}", "active": True},
        "redirect_url": f"{public_url}/",
        "callback_urls": [f"{public_url}{LOGIN_PATH}"],
        "public": False,
        "default_permissions": permissions,
        "default_events": list(app_events(permissions)),
    }


def manifest_page(manifest: dict[str, Any], *, web_origin: str, organization: str | None) -> str:
    """Return a page whose button sends the manifest to GitHub."""
    # GitHub accepts a manifest only from a form.
    whose = f"/organizations/{organization}" if organization else ""
    action = html.escape(f"{web_origin}{whose}/settings/apps/new", quote=True)
    value = html.escape(json.dumps(manifest), quote=True)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Register the GitHub App</title>\n'
        f'<form action="{action}" method="post">\n<input type="hidden" name="manifest" value="{value}">\n'
        f"<p>GitHub shows what the App asks for before it is created on {html.escape(organization or 'your account')}."
        "</p>\n<button>Register the App on GitHub</button>\n</form>\n</html>\n"
    )
