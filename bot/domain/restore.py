"""Restoring an older version of a state: what Terraform would forget, and what it would wrongly believe.

A state is only what Terraform believes; restoring one changes nothing in the world. So whatever was created, destroyed
or moved since is where belief and world part, and that is what somebody confirms who restores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.domain.known_state import Known
from bot.domain.model import Login, RunId, Stack

_MOST_KEPT: Final = 200
"""Objects of each kind that are kept with the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """One `/state restore`, from the comment on."""

    run_id: RunId
    stack: Stack
    pull: int
    serial: int
    """Of the snapshot that is restored."""
    source_key: str
    """Where that snapshot is kept."""
    confirmed: int
    """The count that `--confirm` has repeated."""
    asked_by: Login
    asked_at: datetime
    written_serial: int | None = None
    """The serial that it is written with; None before it is about to be written."""
    written_sha256: str | None = None
    """Of the bytes that are written: by it a later process tells whether they were."""


class Found(StrEnum):
    """What there is where the state should be."""

    STATE = "state"
    UNREADABLE = "unreadable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """An object that both states know, by different addresses."""

    now: Known
    then: Known
    """In the state that is restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Where belief and world would part."""

    orphans: tuple[Known, ...] = ()
    """Known now and not in the restored state: Terraform forgets them and they live on; code that still has the
    address creates a duplicate."""
    ghosts: tuple[Known, ...] = ()
    """Known in the restored state and not now: Terraform believes in what was destroyed or given away since."""
    renamed: tuple[Renamed, ...] = ()
    """Known in both, at another address: code with the newer address destroys and creates it anew."""

    @property
    def count(self) -> int:
        """The number that `--confirm` must repeat."""
        return len(self.orphans) + len(self.ghosts) + len(self.renamed)


def compare(now: Iterable[Known], then: Iterable[Known]) -> Comparison:
    """Compare what is known now with what a restored state would know, by address and id.

    The same address with another id is both an orphan (what is there) and a ghost (what was replaced).
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
    """Return a comparison as it is kept with the run; of very many objects the last are only counted."""
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
    """Return what `as_detail` has kept; what is not there is empty."""
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
