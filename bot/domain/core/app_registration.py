"""The App's settings on GitHub, compared with what Gatewright needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.domain.core.app_permissions import EVENTS, PERMISSIONS, Access, AppPermission, holds, permission

WEBHOOK_PATH = "/webhooks/github"
_SETTINGS_WORDS = {"read": "Read-only", "write": "Read and write"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRegistration:
    """The App's own settings."""

    slug: str
    name: str
    owner: str
    is_of_organization: bool
    permissions: Mapping[str, str]
    events: frozenset[str]

    def settings(self, web_origin: str) -> str:
        """Return the address of its settings."""
        whose = f"organizations/{self.owner}/settings" if self.is_of_organization else "settings"
        return f"{web_origin}/{whose}/apps/{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppInstallation:
    """The App on one account, with what its owners have accepted."""

    id: int
    account: str
    is_of_organization: bool
    permissions: Mapping[str, str]
    events: frozenset[str]
    is_suspended: bool
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where GitHub sends the App's events, and how."""

    url: str | None
    content_type: str | None
    has_secret: bool
    is_certificate_checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting that differs, with what to do and where."""

    sentence: str
    is_wrong: bool
    """Whether Gatewright does not work because of it; otherwise only the named feature fails."""


def app_differences(app: AppRegistration, web_origin: str) -> Iterator[Difference]:
    """Compare the App's own settings."""
    where = f"{app.settings(web_origin)}/permissions"
    for needed in PERMISSIONS:
        yield from _missing_of_app(needed, app.permissions, where)
    for event in EVENTS:
        allowed = holds(app.permissions, event.permission, Access.READ)
        if allowed and event.name not in app.events:
            yield Difference(
                sentence=f'the App is not subscribed to "{event.title}" ({_plain(event.needed_for)}): select it below'
                f' "Subscribe to events" at {where} and save',
                is_wrong=event.required,
            )
    for name, level in sorted(app.permissions.items()):
        yield from _needless(name, level, where)


def installation_differences(
    app: AppRegistration, installation: AppInstallation, repositories: str
) -> Iterator[Difference]:
    """Compare what an account has accepted; `repositories` names those that it affects."""
    account, where = installation.account, installation.address
    if installation.is_suspended:
        yield Difference(
            sentence=f"the App is suspended on {account}, so nothing reaches Gatewright from {repositories}:"
            f' an owner of {account} must click "Unsuspend" at {where}',
            is_wrong=True,
        )
    for needed in PERMISSIONS:
        # What the App itself does not ask for is reported once, for the App.
        asked = _held(app.permissions, needed)
        if needed.is_of_organization and not installation.is_of_organization:
            continue
        if asked is None or holds(installation.permissions, needed.name, asked):
            continue
        lost = (
            f", so {needed.lost}" if needed.lost and not _is_wrong(needed, installation.permissions) else ""
        )
        yield Difference(
            sentence=f"{account} has not accepted {needed.title} ({asked}){lost}: an owner of {account} must click"
            f' "Review request" at {where}',
            is_wrong=_is_wrong(needed, installation.permissions),
        )
    for event in EVENTS:
        permitted = holds(installation.permissions, event.permission, Access.READ)
        if permitted and event.name in app.events - installation.events:
            yield Difference(
                sentence=f'{account} sends no event "{event.title}" yet ({_plain(event.needed_for)}): an owner of'
                f' {account} must click "Review request" at {where}',
                is_wrong=event.required,
            )


def webhook_differences(
    hook: WebhookSettings, app: AppRegistration, *, public_url: str, web_origin: str
) -> Iterator[Difference]:
    """Compare the App's webhook."""
    where = app.settings(web_origin)
    if not hook.url:
        yield Difference(
            sentence=f'the App has no webhook: select "Active" at {where} and enter {_wanted(public_url)}',
            is_wrong=True,
        )
        return
    if public_url and hook.url != f"{public_url}{WEBHOOK_PATH}":
        yield Difference(
            sentence=f"the App's webhook goes to {hook.url}, and not to {_wanted(public_url)}: change the webhook URL"
            f" at {where}, or GATEWRIGHT_PUBLIC_URL",
            is_wrong=True,
        )
    elif not public_url and not hook.url.endswith(WEBHOOK_PATH):
        yield Difference(
            sentence=f"the App's webhook goes to {hook.url}, which does not end with {WEBHOOK_PATH}: change the webhook"
            f" URL at {where}",
            is_wrong=True,
        )
    if hook.content_type != "json":
        yield Difference(
            sentence=f"the App's webhook sends {hook.content_type or 'form'} and not json, which Gatewright refuses:"
            f' set the content type to "application/json" at {where}',
            is_wrong=True,
        )
    if not hook.has_secret:
        yield Difference(
            sentence="the App's webhook has no secret, so nothing that it sends is accepted: enter the value of"
            f" GATEWRIGHT_WEBHOOK_SECRET as webhook secret at {where}",
            is_wrong=True,
        )
    if not hook.is_certificate_checked and hook.url.startswith("https://"):
        yield Difference(
            sentence=f'GitHub does not check the certificate of {hook.url}: select "Enable SSL verification" at {where}',
            is_wrong=False,
        )


def _missing_of_app(needed: AppPermission, held: Mapping[str, str], where: str) -> Iterator[Difference]:
    if holds(held, needed.name, needed.access):
        return
    kind = "Organization" if needed.is_of_organization else "Repository"
    level = _SETTINGS_WORDS[needed.access.value]
    lost = f", so {needed.lost}" if needed.lost and not _is_wrong(needed, held) else ""
    events = [event.title for event in EVENTS if event.permission == needed.name]
    subscribe = f" and subscribe to {' and '.join(events)}" if events and needed.name not in held else ""
    yield Difference(
        sentence=f"the App does not ask for {needed.title} ({needed.access}){lost}: set {needed.title} to {level} below"
        f" {kind} permissions{subscribe} at {where} and save; each account must accept it then",
        is_wrong=_is_wrong(needed, held),
    )


def _needless(name: str, level: str, where: str) -> Iterator[Difference]:
    known = {each.name: each.access for each in PERMISSIONS}
    if name not in known:
        yield Difference(
            sentence=f"the App asks for {name} ({level}), which Gatewright never uses: set it to No access at {where}",
            is_wrong=False,
        )
    elif known[name] is Access.READ and level != Access.READ.value:
        title = permission(name).title
        yield Difference(
            sentence=f"the App asks for {title} ({level}), of which Gatewright only reads: set it to Read-only at {where}",
            is_wrong=False,
        )


def _is_wrong(needed: AppPermission, held: Mapping[str, str]) -> bool:
    return needed.required is not None and not holds(held, needed.name, needed.required)


def _held(permissions: Mapping[str, str], needed: AppPermission) -> Access | None:
    """Return the level of a permission that the App asks for, at most the needed one."""
    return next(
        (level for level in (needed.access, Access.READ) if holds(permissions, needed.name, level)), None
    )


def _wanted(public_url: str) -> str:
    return f"{public_url or 'GATEWRIGHT_PUBLIC_URL'}{WEBHOOK_PATH}"


def _plain(words: str) -> str:
    return words.replace("*", "").rstrip(".")
