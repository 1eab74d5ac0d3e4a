"""Compare an older version of a state with the current one before it is restored.

A state only records objects; restoring one changes no real object. Objects that were created, destroyed or
moved since then no longer match the state, and the person who restores confirms their number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.domain.core.accounts import Account
from bot.domain.core.model import RunId, Stack
from bot.domain.state.known_objects import Known

_MOST_KEPT: Final = 200
"""Number of objects of each kind that are stored with the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """One `/state restore`, from its comment on."""

    run_id: RunId
    stack: Stack
    pull: int
    serial: int
    """Serial of the snapshot that is restored."""
    source_key: str
    """Object key of that snapshot."""
    confirmed: int
    """The count that was confirmed with `--confirm`."""
    asked_by: Account
    asked_at: datetime
    written_serial: int | None = None
    """The serial that it is written with; None before the write is prepared."""
    written_sha256: str | None = None
    """Hash of the bytes that are written: a later process compares it to learn whether they were."""


class Found(StrEnum):
    """What was found in the place of the state."""

    STATE = "state"
    UNREADABLE = "unreadable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An object that both states contain, at different addresses."""

    now: Known
    then: Known
    """The object in the restored state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Objects that would no longer match the state."""

    orphans: tuple[Known, ...] = ()
    """In the current state only: they keep running unmanaged, and code that still has the address creates a
    duplicate."""
    ghosts: tuple[Known, ...] = ()
    """In the restored state only: they were destroyed or moved elsewhere since."""
    renamed: tuple[Renamed, ...] = ()
    """In both, at different addresses: code with the newer address destroys and re-creates them."""

    @property
    def count(self) -> int:
        """The number that `--confirm` must repeat."""
        return len(self.orphans) + len(self.ghosts) + len(self.renamed)


def compare(now: Iterable[Known], then: Iterable[Known]) -> Comparison:
    """Compare the current objects with those of a restored state, by address and id.

    The same address with another id is both an orphan (the current object) and a ghost (the replaced one).
    """
    before, after = {each.address: each for each in now}, {each.address: each for each in then}
    lost = [each for each in before.values() if not _is_same(after.get(each.address), each)]
    back = [each for each in after.values() if not _is_same(before.get(each.address), each)]
    elsewhere: dict[tuple[str, str, str], list[Known]] = defaultdict(list)
    for each in back:
        if each.id is not None:
            elsewhere[each.provider, each.type, each.id].append(each)
    orphans, renamed = [], []
    for each in lost:
        others = elsewhere.get((each.provider, each.type, each.id)) if each.id is not None else None
        if others:
            renamed.append(Renamed(now=each, then=others.pop(0)))
        else:
            orphans.append(each)
    met = {pair.then.address for pair in renamed}
    return Comparison(
        orphans=tuple(orphans),
        ghosts=tuple(each for each in back if each.address not in met),
        renamed=tuple(renamed),
    )


def as_detail(found: Comparison) -> dict[str, Any]:
    """Return a comparison as stored with the run; beyond a limit, objects are only counted."""
    return {
        "orphans": [asdict(each) for each in found.orphans[:_MOST_KEPT]],
        "ghosts": [asdict(each) for each in found.ghosts[:_MOST_KEPT]],
        "renamed": [asdict(pair) for pair in found.renamed[:_MOST_KEPT]],
        "counts": {
            "orphans": len(found.orphans),
            "ghosts": len(found.ghosts),
            "renamed": len(found.renamed),
        },
    }


def comparison_of(detail: Mapping[str, Any]) -> Comparison:
    """Return the comparison that `as_detail` stored; missing parts are empty."""
    return Comparison(
        orphans=_objects(detail.get("orphans")),
        ghosts=_objects(detail.get("ghosts")),
        renamed=tuple(
            Renamed(now=Known(**pair["now"]), then=Known(**pair["then"]))
            for pair in detail.get("renamed") or ()
        ),
    )


def _objects(found: Sequence[Mapping[str, Any]] | None) -> tuple[Known, ...]:
    return tuple(Known(**each) for each in found or ())


def _is_same(one: Known | None, other: Known) -> bool:
    return one is not None and (one.type, one.id) == (other.type, other.id)
