"""Making users, organisations, teams and installations."""

from bot.playground.github.errors import ApiError
from bot.playground.github.grants import events_allowed
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Account, Installation, Repo, Role, Team
from bot.playground.github.shapes import events


def add_account(hub: Hub, account: Account) -> Account:
    """Store an account; an existing one of that login is given back untouched."""
    found = hub.state.data.accounts.setdefault(account.login.lower(), account)
    hub.state.changed()
    return found


def add_user(hub: Hub, login: str, *, name: str | None = None, note: str = "") -> Account:
    """A person."""
    account = Account(id=hub.state.small_id(), login=login, name=name, note=note, created_at=hub.clock())
    return add_account(hub, account)


def add_mannequin(hub: Hub, login: str) -> Account:
    """Add the author of something imported from elsewhere, who never acts.

    GitHub Docs, "Reclaiming mannequins for GitHub Enterprise Importer".
    """
    account = Account(id=hub.state.small_id(), login=login, type="Mannequin", created_at=hub.clock())
    return add_account(hub, account)


def add_organization(hub: Hub, login: str) -> Account:
    """Return an organisation: the owner of repositories that is no user."""
    account = Account(id=hub.state.small_id(), login=login, type="Organization", created_at=hub.clock())
    return add_account(hub, account)


def ensure_bot(hub: Hub) -> Account:
    """The App's bot user."""
    account = Account(id=hub.state.small_id(), login=hub.bot_login, type="Bot", created_at=hub.clock())
    return add_account(hub, account)


def add_app(hub: Hub, slug: str) -> Account:
    """Add the account of another App, whose permission on a repository GitHub does not show.

    github/gh-aw#18556 and chdsbd/kodiak#231: the collaborators' permission of a bot is answered with "is not a user".
    """
    account = Account(id=hub.state.small_id(), login=f"{slug}[bot]", type="Bot", created_at=hub.clock())
    return add_account(hub, account)


def add_team(hub: Hub, org: str, slug: str, members: list[str]) -> Team:
    """A team; its members join the organisation, as GitHub requires."""
    owner = hub.state.account(org)
    if owner.type != "Organization":
        raise ApiError(422, f"{org} is not an organisation")
    logins = [hub.state.account(login).login for login in members]
    for login in logins:
        owner.members.setdefault(login, "member")
    team = Team(
        id=hub.state.small_id(),
        org=owner.login,
        slug=slug,
        name=slug,
        members=dict.fromkeys(logins, "member"),
    )
    hub.state.data.teams[f"{owner.login}/{slug}".lower()] = team
    hub.state.changed()
    return team


def set_permission(hub: Hub, repo: Repo, login: str, role: Role) -> None:
    """Make someone a collaborator with that role; `none` removes them."""
    account = hub.state.account(login)
    if role is Role.NONE:
        repo.collaborators.pop(account.login, None)
    else:
        repo.collaborators[account.login] = role
    hub.state.changed()


def install(hub: Hub, repo: Repo, *, sender: str) -> Installation:
    """Install the App on a repository, and deliver the event to its webhook."""
    installation = hub.installation_on(repo.owner)
    created = installation is None
    if installation is None:
        installation = Installation(
            id=hub.state.small_id(),
            account=repo.owner,
            permissions=dict(hub.config.app_permissions),
            events=events_allowed(hub.config.app_permissions, hub.config.app_events),
            created_at=hub.clock(),
        )
        hub.state.data.installations[installation.id] = installation
    repo.installed = True
    hub.state.changed()
    events.installation(hub, installation, "created" if created else "added", [repo], sender)
    return installation


def uninstall(hub: Hub, repo: Repo, *, sender: str) -> None:
    """Take the App away from one repository."""
    installation = hub.installation_of(repo)
    repo.installed = False
    hub.state.changed()
    if installation is not None:
        events.installation(hub, installation, "removed", [repo], sender)
