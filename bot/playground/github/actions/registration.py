"""The App's own settings, and what its installations have accepted of them."""

from collections.abc import Iterable, Mapping

from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.grants import accepted, events_allowed, registration_faults
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Installation, Repo
from bot.playground.github.shapes import events


def change_app(hub: Hub, permissions: Mapping[str, str], wanted: Iterable[str]) -> None:
    """Change the App's requested permissions; installations keep the accepted ones."""
    if faults := registration_faults(permissions, wanted):
        raise ApiError(422, "; ".join(faults))
    hub.config.app_permissions = dict(permissions)
    hub.config.app_events = tuple(wanted)
    for installation in hub.state.data.installations.values():
        _set(hub, installation, accepted(installation.permissions, permissions))


def accept_permissions(hub: Hub, installation: Installation, *, sender: str) -> None:
    """Accept the App's requested permissions; nothing happens if they are accepted already."""
    if installation.permissions == dict(hub.config.app_permissions):
        return
    _set(hub, installation, dict(hub.config.app_permissions))
    events.installation(hub, installation, "new_permissions_accepted", _repos(hub, installation), sender)


def suspend(hub: Hub, installation: Installation, *, sender: str) -> None:
    """Keep the App out: no tokens, no events, until `unsuspend`."""
    installation.suspended, installation.suspended_by = True, sender
    hub.state.changed()
    events.installation(hub, installation, "suspend", _repos(hub, installation), sender)


def unsuspend(hub: Hub, installation: Installation, *, sender: str) -> None:
    """Let the App in again."""
    installation.suspended, installation.suspended_by = False, None
    hub.state.changed()
    events.installation(hub, installation, "unsuspend", _repos(hub, installation), sender)


def installation_on(hub: Hub, account: str) -> Installation:
    """The installation on an account; 404 when there is none."""
    found = hub.installation_on(account)
    if found is None:
        raise not_found()
    return found


def _set(hub: Hub, installation: Installation, permissions: dict[str, str]) -> None:
    # An event that needs nothing new is subscribed to at once, the others when their permission is accepted.
    installation.permissions = permissions
    installation.events = events_allowed(permissions, hub.config.app_events)
    hub.state.changed()


def _repos(hub: Hub, installation: Installation) -> list[Repo]:
    every = hub.state.data.repos.values()
    return [repo for repo in every if repo.installed and repo.owner == installation.account]
