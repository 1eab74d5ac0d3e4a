"""The repositories that the operator lists: exact names, with GitHub's id where given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

EXAMPLE: Final = "acme/infra,acme/network"
_ENTRY: Final = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})(?:#(?P<id>[1-9][0-9]{0,18}))?"
)
_PATTERN_SIGNS: Final = frozenset("*?[]")
_MOST_NAMED: Final = 5
UNLISTED: Final = "unlisted"
OTHER_ID: Final = "other_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRepository:
    """One entry of the list."""

    full_name: str
    """`owner/name`; GitHub compares it without regard to case."""
    id: int | None = None
    """GitHub's id of it, where the operator names one."""

    @property
    def key(self) -> str:
        """Return the name in lower case, for comparisons."""
        return self.full_name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """A repository whose deliveries are ignored."""

    full_name: str
    id: int
    why: str
    """`unlisted`, or `other_id` where its name is listed and belongs to another repository."""
    deliveries: int
    sender: str | None
    """Who caused the newest delivery."""
    last_at: datetime


class Listed:
    """The whole list."""

    def __init__(self, entries: Sequence[ListedRepository]) -> None:
        self._entries: Mapping[str, ListedRepository] = {entry.key: entry for entry in entries}

    def find(self, full_name: str | None) -> ListedRepository | None:
        """Return the entry of a repository, None where it is not listed."""
        return None if full_name is None else self._entries.get(full_name.lower())

    def serves(self, full_name: str) -> bool:
        """Whether a repository of this name is listed."""
        return full_name.lower() in self._entries

    def has_owner(self, owner: str) -> bool:
        """Whether any repository of an account is listed."""
        return any(key.partition("/")[0] == owner.lower() for key in self._entries)

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name, in the operator's order."""
        return tuple(entry.full_name for entry in self._entries.values())

    def shared_credentials(self) -> str | None:
        """Return the warning about several listed repositories; None where there is one."""
        names = self.names
        if len(names) < 2:  # noqa: PLR2004 - two share something
            return None
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return (
            f"{len(names)} repositories are served ({', '.join(names[:_MOST_NAMED])}{more}) and share the credentials of"
            " every environment: a plan of one can use what plans of the others are given. Run a server of its own for"
            " each group of people that must not."
        )


def read_entry(text: str) -> ListedRepository:
    """Parse an entry of the operator's list; ValueError names the allowed form."""
    found = _ENTRY.fullmatch(text)
    if found is not None:
        return ListedRepository(full_name=found["name"], id=int(found["id"]) if found["id"] else None)
    if _PATTERN_SIGNS & set(text):
        raise ValueError(
            f"{text!r} is a pattern: list every repository by its exact owner/name, for example {EXAMPLE}"
        )
    raise ValueError(
        f"{text!r} is not owner/name or owner/name#ID, where ID is GitHub's number of the repository; for example {EXAMPLE}"
    )


def read_entries(texts: Sequence[str]) -> tuple[ListedRepository, ...]:
    """Return all entries; ValueError for an invalid one, a duplicate, and an empty list."""
    entries = tuple(read_entry(text) for text in texts)
    keys = [entry.key for entry in entries]
    twice = next((entry.full_name for entry in entries if keys.count(entry.key) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice; keep one entry")
    if not entries:
        raise ValueError(f"must name at least one repository, for example {EXAMPLE}")
    return entries


def judge(entry: ListedRepository | None, bound: int | None, id: int) -> str | None:
    """Return why a repository is turned away, None where the entry means it.

    `bound` is the id to which its name was bound by an earlier delivery.
    """
    if entry is None:
        return UNLISTED
    meant = entry.id if entry.id is not None else bound
    return OTHER_ID if meant not in {None, id} else None


def still_turned_away(listed: Listed, one: TurnedAway) -> bool:
    """Whether the current list still turns away a repository."""
    entry = listed.find(one.full_name)
    return entry is None if one.why == UNLISTED else entry is not None and entry.id != one.id


def turned_away_sentence(one: TurnedAway) -> str:
    """Return which repository is turned away, why, and what would serve it."""
    asked = (
        f"{one.deliveries} deliveries, the newest by {one.sender}"
        if one.sender
        else f"{one.deliveries} deliveries"
    )
    if one.why == OTHER_ID:
        return (
            f"{one.full_name} is another repository now (id {one.id}; {asked}) than the one that was served, and is"
            f" ignored. If that is meant, list it as {one.full_name}#{one.id} in GATEWRIGHT_REPOSITORIES."
        )
    return (
        f"{one.full_name} (id {one.id}; {asked}) has the App installed but is not listed, and is ignored. To serve it, add"
        f" {one.full_name} to GATEWRIGHT_REPOSITORIES; otherwise uninstall the App there."
    )
