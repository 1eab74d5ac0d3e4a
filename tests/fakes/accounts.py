"""Accounts for tests: the same login has the same id in every test, unless the test says otherwise."""

from __future__ import annotations

import zlib

from bot.domain.core.accounts import Account, Login


def account(login: str, id: int | None = None) -> Account:
    return Account(
        login=Login(login),
        id=zlib.crc32(login.lower().encode()) if id is None else id,
        is_bot=login.endswith("[bot]"),
    )


def unnumbered(login: str) -> Account:
    """As an older version recorded it."""
    return Account(login=Login(login), id=None)
