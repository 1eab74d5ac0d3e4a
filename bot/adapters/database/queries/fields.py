"""Converts the fields of a value to the columns of a row, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from bot.domain.core.accounts import Account, recorded


def values_of(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return column -> value; an account takes two columns."""
    accounts = _accounts(cast("Hashable", type(value)))
    values: dict[str, Any] = {}
    for field in fields(value):
        if field.name in accounts:
            values |= account_values(field.name, getattr(value, field.name))
        else:
            values[field.name] = getattr(value, field.name)
    return {name: each for name, each in values.items() if name not in without}


def columns_of(kind: type[Any], row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return field -> value for the fields that the row has."""
    found = {field.name: row[field.name] for field in fields(kind) if field.name in row}
    return found | {name: to_account(row, name) for name in _accounts(cast("Hashable", kind)) if name in row}


def account_values(name: str, account: Account | None) -> dict[str, Any]:
    """Return the two columns of an account."""
    if account is None:
        return {name: None, f"{name}_id": None}
    return {name: account.login, f"{name}_id": account.id}


def to_account(row: Mapping[Any, Any], name: str) -> Account | None:
    """Return the account that `account_values` wrote."""
    return None if row[name] is None else recorded(row[name], row[f"{name}_id"])


@cache
def _accounts(kind: Hashable) -> frozenset[str]:
    # Annotations are postponed everywhere, so a field's type is its source text.
    return frozenset(
        field.name for field in fields(cast("type[Any]", kind)) if field.type in {"Account", "Account | None"}
    )
