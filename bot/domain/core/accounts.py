"""Accounts of GitHub, compared by their numeric id.

A person can rename, and another account can take the old name; only the id stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NewType

Login = NewType("Login", str)
"""A GitHub user name, for display; identity is in `Account`."""

_APP_SUFFIX: Final = "[bot]"
"""GitHub appends it to the login of an App's account; no person can have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user, bot or organisation; compare with `is_same` or `is_certainly`, never by login."""

    login: Login
    """For display; the spelling that GitHub gave last."""
    id: int | None
    """GitHub's account id; None only in rows of older versions and for the bot itself."""
    is_bot: bool = False
    """Whether GitHub's `type` is "Bot"."""

    def __str__(self) -> str:
        """Return the login."""
        return self.login

    def is_same(self, other: Account) -> bool:
        """Whether it may be the same account: for a comparison that excludes.

        Logins are compared, without regard to case, only where one of the two has no id.
        """
        if self.id is not None and other.id is not None:
            return self.id == other.id
        return self.login.lower() == other.login.lower()

    def is_certainly_another(self, other: Account) -> bool:
        """Whether these are certainly two accounts, for what needs two people."""
        # Without both ids this cannot be known.

        return self.id is not None and other.id is not None and self.id != other.id

    def is_certainly(self, other: Account) -> bool:
        """Whether it is certainly the same account, for a comparison that grants."""
        # Without both ids this cannot be known.

        return self.id is not None and self.id == other.id


SELF: Final = Account(login=Login("gatewright"), id=None)
"""The actor of what this server does automatically; it has no rights."""
GHOST: Final = Account(login=Login("ghost"), id=10137)
"""The account that GitHub shows in place of a deleted one."""


def recorded(login: str, id: int | None) -> Account:
    """Return the account of a row; whether it is a bot follows from the login."""
    return Account(login=Login(login), id=id, is_bot=login.endswith(_APP_SUFFIX))


def has_one(accounts: Iterable[Account], account: Account) -> bool:
    """Whether an account may be among these: for a comparison that excludes."""
    return any(each.is_same(account) for each in accounts)
