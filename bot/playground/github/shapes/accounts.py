"""Accounts, the App and its installations as JSON."""

import zlib
from typing import Any
from urllib.parse import quote

from bot.playground.github.hub import GHOST, GHOST_ID, Hub, node_id
from bot.playground.github.records.model import Account, Installation, Repo, Role, Team
from bot.playground.github.records.times import stamp

Json = dict[str, Any]


def user_json(hub: Hub, login: str) -> Json:
    """GitHub's "simple user"; a login that is gone becomes the ghost, as there."""
    account = hub.state.data.accounts.get(login.lower()) or Account(id=GHOST_ID, login=GHOST)
    api = f"{hub.api_url}/users/{quote(account.login)}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("User", account.id),
        "avatar_url": f"{hub.url}/avatars/{account.id}.svg",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{hub.url}/{_page(account)}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def nullable_user_json(hub: Hub, login: str) -> Json | None:
    """GitHub's "nullable simple user": None for an account that was deleted.

    @octokit/openapi has it in issues, comments, reviews, reactions, deployments, statuses and lists of pull requests;
    a pull request of its own address has the ghost (laymonage/giscus#391, iFixit/pulldasher#61).
    """
    return user_json(hub, login) if login.lower() in hub.state.data.accounts else None


def _page(account: Account) -> str:
    """The path of an account's page; an App's bot is shown on the App's."""
    return f"apps/{account.login.removesuffix('[bot]')}" if account.type == "Bot" else account.login


def organization_json(hub: Hub, account: Account) -> Json:
    """The `organization` of a webhook."""
    api = f"{hub.api_url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{hub.url}/avatars/{account.id}.svg",
        "description": None,
    }


def collaborator_json(hub: Hub, login: str, role: Role) -> Json:
    """The `user` of the collaborator permission."""
    return {**user_json(hub, login), "permissions": permission_flags(role), "role_name": role.value}


def permission_flags(role: Role) -> dict[str, bool]:
    """GitHub's five booleans."""
    return {
        "admin": role.at_least(Role.ADMIN),
        "maintain": role.at_least(Role.MAINTAIN),
        "push": role.at_least(Role.WRITE),
        "triage": role.at_least(Role.TRIAGE),
        "pull": role.at_least(Role.READ),
    }


def app_json(hub: Hub) -> Json:
    """The App, as `integration`."""
    config = hub.config
    owner = next(iter(hub.state.data.installations.values()), None)
    return {
        "id": config.app_id,
        "slug": config.app_slug,
        "node_id": node_id("App", config.app_id),
        "client_id": config.client_id,
        "owner": user_json(hub, owner.account if owner else "ghost"),
        "name": config.app_name,
        "description": "",
        "external_url": hub.url,
        "html_url": f"{hub.url}/apps/{config.app_slug}",
        "created_at": stamp(0),
        "updated_at": stamp(0),
        "permissions": dict(config.app_permissions),
        "events": list(config.app_events),
    }


def other_app_json(hub: Hub, slug: str) -> Json:
    """Another App, as `integration`."""
    other = zlib.crc32(slug.encode())
    named = {"id": other, "slug": slug, "name": slug, "node_id": node_id("App", other)}
    return {**app_json(hub), **named, "html_url": f"{hub.url}/apps/{slug}"}


def installation_json(hub: Hub, installation: Installation) -> Json:
    """The App's installation on an account."""
    account = hub.state.account(installation.account)
    api = f"{hub.api_url}/app/installations/{installation.id}"
    when = stamp(installation.created_at)
    return {
        "id": installation.id,
        "account": user_json(hub, account.login),
        "repository_selection": "selected",
        "access_tokens_url": f"{api}/access_tokens",
        "repositories_url": f"{hub.api_url}/installation/repositories",
        "html_url": f"{hub.url}/settings/installations/{installation.id}",
        "app_id": hub.config.app_id,
        "app_slug": hub.config.app_slug,
        "client_id": hub.config.client_id,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": dict(installation.permissions),
        "events": list(installation.events),
        "created_at": when,
        "updated_at": when,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user_json(hub, installation.suspended_by) if installation.suspended_by else None,
        "suspended_at": when if installation.suspended else None,
    }


def hook_config_json(hub: Hub) -> Json:
    """The configuration of the App's webhook."""
    body: Json = {"content_type": hub.hooks.content_type, "insecure_ssl": "0"}
    if hub.hooks.url is not None:
        body["url"] = hub.hooks.url
    if hub.hooks.secret:
        body["secret"] = "********"  # noqa: S105 - how GitHub hides it
    return body


def membership_json(hub: Hub, team: Team, login: str) -> Json:
    """A user's membership in a team."""
    return {
        "url": f"{hub.api_url}/organizations/{hub.state.account(team.org).id}/team/{team.id}"
        f"/memberships/{login}",
        "role": team.members.get(login, "member"),
        "state": "pending" if login in team.pending else "active",
    }


def association(hub: Hub, repo: Repo, login: str) -> str:
    """`author_association`: a courtesy of GitHub's, not an authorisation."""
    account = hub.state.data.accounts.get(login.lower())
    if account is None:
        return "NONE"
    if account.login == repo.owner:
        return "OWNER"
    if account.login in hub.state.account(repo.owner).members:
        return "MEMBER"
    if hub.state.role(repo, login).at_least(Role.WRITE) or account.login in repo.collaborators:
        return "COLLABORATOR"
    return "CONTRIBUTOR" if any(pull.author == login for pull in repo.pulls.values()) else "NONE"
