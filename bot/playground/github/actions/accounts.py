"""Making users, organisations, teams and installations."""

from bot.playground.github import events
from bot.playground.github.errors import ApiError
from bot.playground.github.hub import Hub
from bot.playground.github.model import Account, Installation, Repo, Role, Team


def add_account(hub: Hub, account: Account) -> Account:
    """Store an account; an existing one of that login is given back untouched."""
    found = hub.state.data.accounts.setdefault(account.login.lower(), account)
    hub.state.changed()
    return found


def add_user(hub: Hub, login: str, *, name: str | None = None, note: str = "") -> Account:
    """A person."""
    account = Account(id=hub.state.small_id(), login=login, name=name, note=note, created_at=hub.clock())
    return add_account(hub, account)


def add_organization(hub: Hub, login: str) -> Account:
    """An organisation; whoever owns repositories without being a user is one."""
    account = Account(id=hub.state.small_id(), login=login, type="Organization", created_at=hub.clock())
    return add_account(hub, account)


def ensure_bot(hub: Hub) -> Account:
    """The App's bot user."""
    account = Account(id=hub.state.small_id(), login=hub.bot_login, type="Bot", created_at=hub.clock())
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
    """Install the App on a repository, telling its webhook as GitHub does."""
    found = hub.state.data.installations.values()
    installation = next((each for each in found if each.account == repo.owner), None)
    created = installation is None
    if installation is None:
        installation = Installation(
            id=hub.state.small_id(),
            account=repo.owner,
            permissions=dict(hub.config.app_permissions),
            events=list(hub.config.app_events),
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
