"""Risk of a plan. `SCORES` lists all findings; a plan scores as its worst finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.plans.exposure import exposures
from bot.domain.plans.plan import Action, Risk, RiskLevel
from bot.domain.plans.stateful_types import STATEFUL_TYPES

MANY_DESTROYS = 10
"""Destroying or replacing more resources than this is a finding of its own."""


class Finding(StrEnum):
    """A risk that a plan can have."""

    EVERYTHING = "everything"
    DATA_DESTROYED = "data_destroyed"
    DATA_REPLACED = "data_replaced"
    EXPOSED = "exposed"
    MANY_DESTROYS = "many_destroys"
    DESTROYED = "destroyed"
    REPLACED = "replaced"
    FORGOTTEN = "forgotten"
    CHANGED = "changed"
    IMPORTED = "imported"
    ADDED = "added"
    MOVED = "moved"


SCORES: Mapping[Finding, int] = {
    Finding.EVERYTHING: 100,
    Finding.DATA_DESTROYED: 90,
    Finding.DATA_REPLACED: 80,
    Finding.EXPOSED: 75,
    Finding.MANY_DESTROYS: 70,
    Finding.DESTROYED: 50,
    Finding.REPLACED: 40,
    Finding.FORGOTTEN: 30,
    Finding.CHANGED: 10,
    Finding.IMPORTED: 10,
    Finding.ADDED: 5,
    Finding.MOVED: 5,
}
"""0 if nothing changes; high from 70, medium from 30, low from 1."""

_HIGH, _MEDIUM = 70, 30
_BY_ACTION = {
    Action.DESTROY: Finding.DESTROYED,
    Action.REPLACE: Finding.REPLACED,
    Action.FORGET: Finding.FORGOTTEN,
    Action.CHANGE: Finding.CHANGED,
    Action.ADD: Finding.ADDED,
    Action.IMPORT: Finding.IMPORTED,
    Action.MOVE: Finding.MOVED,
}
_SENTENCES: Mapping[Finding, str] = {
    Finding.EVERYTHING: "Destroys everything that the state holds.",
    Finding.DATA_DESTROYED: "Destroys {resources} holding data.",
    Finding.DATA_REPLACED: "Replaces {resources} holding data.",
    Finding.EXPOSED: "Opens {resources} to everybody.",
    Finding.MANY_DESTROYS: "Destroys or replaces {resources}, more than {many}.",
    Finding.DESTROYED: "Destroys {resources}.",
    Finding.REPLACED: "Replaces {resources}.",
    Finding.FORGOTTEN: "Forgets {resources}: left running, no longer managed.",
}
"""Findings that get a sentence, worst first; plain changes and additions do not."""
_DATA_LOSS = {Action.DESTROY: Finding.DATA_DESTROYED, Action.REPLACE: Finding.DATA_REPLACED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One planned resource; its values are in clear and never leave this module."""

    address: str
    type: str
    action: Action
    deposed: bool = False
    """An object that remained from a failed replacement, beside the current object of the same address."""
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)
    opens: tuple[str, ...] = field(init=False)
    """Resources that become public with the change, as phrases that follow the address."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "opens", tuple(_newly_exposed(self)))


def assess(changes: Sequence[Change], *, existing: int) -> Risk:
    """Return the risk of a plan; `existing` counts the resources in the state before it."""
    counts = Counter(finding for change in changes for finding in _findings(change))
    destroys = tuple(change.address for change in changes if change.action is Action.DESTROY)
    replaces = tuple(change.address for change in changes if change.action is Action.REPLACE)
    gone = sum(1 for change in changes if change.action is Action.DESTROY and not change.deposed)
    if gone and gone >= existing:
        counts[Finding.EVERYTHING] = gone
    if len(destroys) + len(replaces) > MANY_DESTROYS:
        counts[Finding.MANY_DESTROYS] = len(destroys) + len(replaces)
    score = max((SCORES[finding] for finding in counts), default=0)
    return Risk(
        level=_level(score),
        score=score,
        reasons=tuple(_sentence(finding, counts[finding]) for finding in _SENTENCES if counts[finding]),
        destroys=destroys,
        replaces=replaces,
        exposes=tuple(f"{change.address} {what}" for change in changes for what in change.opens),
        stateful=tuple(change.address for change in changes if _loses_data(change)),
    )


def row_level(change: Change) -> RiskLevel:
    """Return the risk of one resource."""
    return _level(max(SCORES[finding] for finding in _findings(change)))


def _findings(change: Change) -> set[Finding]:
    found = {_BY_ACTION[change.action]}
    if _loses_data(change):
        found.add(_DATA_LOSS[change.action])
    if change.opens:
        found.add(Finding.EXPOSED)
    return found


def _loses_data(change: Change) -> bool:
    return change.action in _DATA_LOSS and change.type in STATEFUL_TYPES


def _newly_exposed(change: Change) -> list[str]:
    if change.action in {Action.DESTROY, Action.FORGET, Action.MOVE}:
        return []
    return sorted(exposures(change.type, change.after) - exposures(change.type, change.before))


def _level(score: int) -> RiskLevel:
    if score >= _HIGH:
        return RiskLevel.HIGH
    if score >= _MEDIUM:
        return RiskLevel.MEDIUM
    return RiskLevel.LOW if score else RiskLevel.NONE


def _sentence(finding: Finding, count: int) -> str:
    resources = "1 resource" if count == 1 else f"{count} resources"
    return _SENTENCES[finding].format(resources=resources, many=MANY_DESTROYS)
