"""What people do with the App: its settings and its installations."""

from collections.abc import Iterable, Mapping

from bot.playground.github.actions import registration
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Installation


class AppActs:
    """Acts on the App; `account` is the user or organisation on which it is installed."""

    _hub: Hub

    def installation(self, account: str) -> Installation:
        """The App's installation on an account."""
        return registration.installation_on(self._hub, account)

    def change_app(
        self, *, permissions: Mapping[str, str] | None = None, events: Iterable[str] | None = None
    ) -> None:
        """Change the App's requested permissions; each installation must accept new ones."""
        config = self._hub.config
        registration.change_app(
            self._hub,
            config.app_permissions if permissions is None else permissions,
            config.app_events if events is None else tuple(events),
        )

    def accept_permissions(self, account: str, *, by: str | None = None) -> None:
        """Accept the App's requested permissions, as an account's owner does on the settings page."""
        registration.accept_permissions(self._hub, self.installation(account), sender=by or account)

    def accept_everywhere(self) -> None:
        """Accept the App's requested permissions on every account."""
        for account in [each.account for each in self._hub.state.data.installations.values()]:
            self.accept_permissions(account)

    def suspend(self, account: str, *, by: str | None = None) -> None:
        """Suspend the installation."""
        registration.suspend(self._hub, self.installation(account), sender=by or account)

    def unsuspend(self, account: str, *, by: str | None = None) -> None:
        """Let the App in again."""
        registration.unsuspend(self._hub, self.installation(account), sender=by or account)
