"""The App's own settings at GitHub: permissions, events, installations, webhook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.adapters.github.call import Call
from bot.adapters.github.client import PAGE, credential
from bot.adapters.github.credentials import AppCredential, Profile, Tokens
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import Account, AppInfo, RepositoryRef, Shape, parse
from bot.domain.core.app_registration import AppInstallation, AppRegistration, WebhookSettings

_MOST_PAGES = 100


class _App(AppInfo):
    owner: Account
    permissions: dict[str, str]
    events: frozenset[str]


class _Installation(Shape):
    id: int
    account: Account | None
    permissions: dict[str, str]
    events: frozenset[str]
    suspended_at: datetime | None = None
    html_url: str


class _Hook(Shape):
    url: str | None = None
    content_type: str | None = None
    secret: str | None = None
    insecure_ssl: str | float | None = None


class _Repositories(Shape):
    repositories: list[RepositoryRef]


class Registration:
    """Reads the App's settings and installations."""

    def __init__(self, sender: Sender, app: AppCredential, tokens: Tokens) -> None:
        self._sender = sender
        self._app = app
        self._tokens = tokens

    async def app(self) -> AppRegistration:
        """Return the App's settings."""
        call = Call(doing="asking GitHub about the App", route="/app")
        found = parse(_App, (await self._sender.send(call, self._app)).data, call.doing)
        return AppRegistration(
            slug=found.slug,
            name=found.name,
            owner=found.owner.login,
            is_of_organization=found.owner.type == "Organization",
            permissions=found.permissions,
            events=found.events,
        )

    async def installations(self) -> Sequence[AppInstallation]:
        """Return the App's installations, except those on enterprises, which have no login."""
        doing, found = "listing the installations of the App", list[_Installation]()
        for page in range(1, _MOST_PAGES + 1):
            variables = {"per_page": PAGE, "page": page}
            call = Call(doing=doing, route="/app/installations{?per_page,page}", variables=variables)
            answer = await self._sender.send(call, self._app)
            found += parse(list[_Installation], answer.data, doing)
            if not answer.more:
                break
        return [
            AppInstallation(
                id=each.id,
                account=each.account.login,
                is_of_organization=each.account.type == "Organization",
                permissions=each.permissions,
                events=each.events,
                is_suspended=each.suspended_at is not None,
                address=each.html_url,
            )
            for each in found
            if each.account is not None
        ]

    async def webhook(self) -> WebhookSettings:
        """Return the settings of the App's webhook."""
        call = Call(doing="reading the settings of the App's webhook", route="/app/hook/config")
        found = parse(_Hook, (await self._sender.send(call, self._app)).data, call.doing)
        return WebhookSettings(
            url=found.url,
            content_type=found.content_type,
            has_secret=bool(found.secret),
            # GitHub returns "0", 0 or 0.0 if the certificate is checked.
            is_certificate_checked=str(found.insecure_ssl or "0").removesuffix(".0") == "0",
        )

    async def repositories(self, account: str) -> frozenset[str]:
        """Return the repositories of an account that the App is installed on, in lower case."""
        doing, found = f"listing the repositories of the App's installation on {account}", set[str]()
        signer = credential(self._tokens, account, None, Profile.GIT)
        for page in range(1, _MOST_PAGES + 1):
            variables = {"per_page": PAGE, "page": page}
            call = Call(doing=doing, route="/installation/repositories{?per_page,page}", variables=variables)
            answer = await self._sender.send(call, signer)
            shapes = parse(_Repositories, answer.data, doing).repositories
            found |= {each.full_name.lower() for each in shapes}
            if not answer.more:
                break
        return frozenset(found)
