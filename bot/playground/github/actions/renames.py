"""Renamed accounts, and deleted ones, whose work becomes the ghost's."""

from collections.abc import Iterator
from typing import Any

from bot.playground.github.errors import ApiError
from bot.playground.github.hub import GHOST, Hub
from bot.playground.github.records.model import Account
from bot.playground.github.records.record import Record

_REFERENCES = frozenset({"author", "closed_by", "creator", "enabled_by", "merged_by", "suspended_by", "user"})
"""Fields of records that hold the login of an account."""
_KEYED = frozenset({"collaborators", "members"})
"""Fields of records whose keys are logins."""
_LISTED = frozenset({"pending"})
"""Fields of records that list logins."""


def rename(hub: Hub, login: str, new: str) -> Account:
    """Give an account another login; its id stays, and any other account may take the old login.

    GitHub Docs, "Username reference": nothing redirects from the old name of a user, so the REST interface answers
    404 for it until another account has it.
    """
    account = hub.state.account(login)
    _require_no_repositories(hub, account)
    taken = hub.state.data.accounts.get(new.lower())
    if taken is not None and taken is not account:
        raise ApiError(422, f"Username {new} is not available")
    del hub.state.data.accounts[account.login.lower()]
    _carry(hub, account.login, new)
    account.earlier_logins.append(account.login)
    account.login = new
    hub.state.data.accounts[new.lower()] = account
    hub.state.changed()
    return account


def delete(hub: Hub, login: str) -> None:
    """Delete an account: it can do nothing any more, and what it did is the ghost's.

    GitHub Docs, "Deleting your personal account"; the ghost is account 10137 (travisbrown/octocrabby#2).
    """
    account = hub.state.account(login)
    _require_no_repositories(hub, account)
    data = hub.state.data
    data.tokens = {value: token for value, token in data.tokens.items() if token.user != account.login}
    del data.accounts[account.login.lower()]
    _carry(hub, account.login, GHOST)
    for record in _records(data):
        for name in _KEYED & type(record).model_fields.keys():
            getattr(record, name).pop(GHOST, None)
    hub.state.changed()


def _require_no_repositories(hub: Hub, account: Account) -> None:
    if any(repo.owner == account.login for repo in hub.state.data.repos.values()):
        raise ApiError(422, f"{account.login} owns repositories, whose names would change: not imitated")


def _carry(hub: Hub, old: str, new: str) -> None:
    """Let every record that names an account name it by its new login."""
    for record in _records(hub.state.data):
        known = type(record).model_fields.keys()
        for name in _REFERENCES & known:
            if getattr(record, name) == old:
                setattr(record, name, new)
        for name in _KEYED & known:
            held = getattr(record, name)
            if old in held:
                held[new] = held.pop(old)
        for name in _LISTED & known:
            setattr(record, name, [new if each == old else each for each in getattr(record, name)])


def _records(value: Any) -> Iterator[Record]:
    if isinstance(value, Record):
        yield value
        for name in type(value).model_fields:
            yield from _records(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _records(each)
    elif isinstance(value, list):
        for each in value:
            yield from _records(each)
