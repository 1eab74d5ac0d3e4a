"""The App: its own data, its installations, tokens and webhook deliveries."""

import secrets
from typing import Any
from urllib.parse import urlencode

from bot.playground.github.auth import private_pem
from bot.playground.github.errors import ApiError, forbidden, not_found, suspended
from bot.playground.github.grants import grants
from bot.playground.github.records.model import Delivery, Installation, Repo
from bot.playground.github.records.times import stamp
from bot.playground.github.rest.call import Body, Call, Reply, Route
from bot.playground.github.shapes.accounts import app_json, hook_config_json, installation_json
from bot.playground.github.shapes.repos import repo_json

Json = dict[str, Any]
FAILED_FROM = 400


def _require_app(call: Call) -> None:
    if not call.who.app:
        raise ApiError(401, "A JSON web token could not be decoded")


def _installation(call: Call) -> Installation:
    found = call.hub.state.data.installations.get(call.number("installation_id"))
    if found is None:
        raise not_found()
    return found


def _repos(call: Call, installation: Installation) -> list[Repo]:
    every = call.hub.state.data.repos.values()
    return [repo for repo in every if repo.installed and repo.owner == installation.account]


async def get_app(call: Call) -> Reply:
    """GET /app."""
    _require_app(call)
    count = len(call.hub.state.data.installations)
    return Reply(body={**app_json(call.hub), "installations_count": count})


async def list_installations(call: Call) -> Reply:
    """GET /app/installations."""
    _require_app(call)
    found = list(call.hub.state.data.installations.values())
    return call.paged(found, lambda each: _listed(call, each))


def _listed(call: Call, installation: Installation) -> Json:
    """The list knows a few fields less than the single installation."""
    body = installation_json(call.hub, installation)
    return {key: value for key, value in body.items() if key != "client_id"}


async def get_repo_installation(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/installation."""
    _require_app(call)
    # A suspended installation is still told of; only its tokens are refused (Mergifyio/mergify#1462).
    installation = call.hub.installation_of(call.repo(), even_suspended=True)
    if installation is None:
        raise not_found()
    return Reply(body=installation_json(call.hub, installation))


class TokenBody(Body):
    """How a token is narrowed."""

    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, str] | None = None


async def create_token(call: Call) -> Reply:
    """POST /app/installations/{installation_id}/access_tokens."""
    _require_app(call)
    installation = _installation(call)
    if installation.suspended:
        raise suspended()
    wanted = call.parse(TokenBody)
    repos = _narrowed(call, installation, wanted)
    permissions = dict(installation.permissions)
    if wanted.permissions is not None:
        permissions = {"metadata": "read", **wanted.permissions}
        # Wanting one that the App has, but this installation has not accepted yet, is refused in the same words
        # (peter-murray/workflow-application-token-action#48).
        if not all(grants(installation.permissions, each) for each in _needs(wanted.permissions)):
            message = "The permissions requested are not granted to this installation."
            raise ApiError(422, message, errors=[])
    token, expires = call.auth.issue_installation_token(
        installation,
        repositories=None if repos is None else [repo.id for repo in repos],
        permissions=permissions,
    )
    body: Json = {
        "token": token,
        "expires_at": stamp(expires),
        "permissions": permissions,
        "repository_selection": "selected",
    }
    if repos is not None:
        body["repositories"] = [repo_json(call.hub, repo) for repo in repos]
    return Reply(status=201, body=body)


def _needs(permissions: dict[str, str]) -> list[str]:
    return [f"{area}:{level}" for area, level in permissions.items()]


def _narrowed(call: Call, installation: Installation, wanted: TokenBody) -> list[Repo] | None:
    """Return the requested repositories, None for all; one not installed refuses the token."""
    if wanted.repositories is None and wanted.repository_ids is None:
        return None
    reachable = _repos(call, installation)
    names = {name.lower() for name in wanted.repositories or []}
    ids = set(wanted.repository_ids or [])
    found = [repo for repo in reachable if repo.name.lower() in names or repo.id in ids]
    if len(found) < len(names | {repo.name.lower() for repo in reachable if repo.id in ids}) or not found:
        message = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise ApiError(422, message, errors=[])
    return found


async def list_repositories(call: Call) -> Reply:
    """GET /installation/repositories."""
    if call.who.installation is None:
        raise forbidden()
    every = [repo for repo in _repos(call, call.who.installation) if call.auth.reaches(call.who, repo)]
    some, headers = call.page(every)
    body = {
        "total_count": len(every),
        "repository_selection": "selected",
        "repositories": [repo_json(call.hub, repo) for repo in some],
    }
    return Reply(body=body, headers=headers)


def delivery_json(entry: Delivery) -> Json:
    """An entry of the list of deliveries."""
    return {
        "id": entry.id,
        "guid": entry.guid,
        "delivered_at": stamp(entry.delivered_at or entry.created_at),
        "redelivery": entry.redelivery,
        "duration": entry.duration,
        "status": entry.status,
        "status_code": entry.status_code,
        "event": entry.event,
        "action": entry.action,
        "installation_id": entry.installation_id,
        "repository_id": entry.repository_id,
        "throttled_at": None,
    }


async def list_deliveries(call: Call) -> Reply:
    """GET /app/hook/deliveries: newest first, paged by a cursor."""
    _require_app(call)
    entries = [each for each in call.hub.state.data.deliveries.values() if each.delivered_at is not None]
    wanted = call.query.get("status")
    if wanted:
        entries = [each for each in entries if _failed(each) == (wanted == "failure")]
    entries.sort(key=lambda each: each.id, reverse=True)
    cursor = call.query.get("cursor", "")
    if cursor.isdigit():
        entries = [each for each in entries if each.id < int(cursor)]
    some, _ = call.page(entries)
    headers = {}
    if len(entries) > len(some):
        query = urlencode({**call.query, "cursor": some[-1].id})
        headers["Link"] = f'<{call.hub.api_url}{call.path}?{query}>; rel="next"'
    return Reply(body=[delivery_json(each) for each in some], headers=headers)


def _failed(entry: Delivery) -> bool:
    return entry.status_code == 0 or entry.status_code >= FAILED_FROM


async def redeliver(call: Call) -> Reply:
    """POST /app/hook/deliveries/{delivery_id}/attempts."""
    _require_app(call)
    entry = call.hub.state.data.deliveries.get(call.number("delivery_id"))
    if entry is None:
        raise not_found()
    call.hub.hooks.redeliver(entry)
    return Reply(status=202, body={})


async def get_hook_config(call: Call) -> Reply:
    """GET /app/hook/config; a secret is never shown, an unset one is left out."""
    _require_app(call)
    return Reply(body=hook_config_json(call.hub))


async def convert_manifest(call: Call) -> Reply:
    """POST /app-manifests/{code}/conversions: any code of 20 or more characters is good."""
    config = call.hub.config
    if len(call.params["code"]) < 20:  # noqa: PLR2004
        raise not_found()
    body = {
        **app_json(call.hub),
        "client_id": config.client_id,
        "client_secret": config.client_secret,
        "webhook_secret": config.webhook_secret or secrets.token_hex(20),
        "pem": private_pem(call.auth.key),
    }
    return Reply(status=201, body=body)


ROUTES = (
    Route(method="GET", path="/app", handler=get_app),
    Route(method="GET", path="/app/installations", handler=list_installations),
    Route(method="POST", path="/app/installations/{installation_id}/access_tokens", handler=create_token),
    Route(method="GET", path="/app/hook/config", handler=get_hook_config),
    Route(method="GET", path="/app/hook/deliveries", handler=list_deliveries),
    Route(method="POST", path="/app/hook/deliveries/{delivery_id}/attempts", handler=redeliver),
    Route(method="POST", path="/app-manifests/{code}/conversions", handler=convert_manifest),
    Route(method="GET", path="/installation/repositories", handler=list_repositories),
    Route(method="GET", path="/repos/{owner}/{repo}/installation", handler=get_repo_installation),
)
