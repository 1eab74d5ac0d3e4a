"""Parity of twins: environments that should resemble each other, compared fact by fact.

A fact is a name and a value, both of which may be shown: whether a variable is set (not its value), the
version of a provider, the number of resources of a type. Intended differences are allowed by name, with a
reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from bot.domain.core.model import EnvName, Sha, Stack

NOT_SET: Final = "not set"
SET: Final = "set"
_MISSING: Final = "none"


class Topic(StrEnum):
    """What is compared, in the order in which it is reported."""

    VARIABLES = "variables"
    ENGINE = "engine"
    PROVIDERS = "providers"
    MODULES = "modules"
    RESOURCES = "resources"


_PREFIXES: Final = {
    "var.": Topic.VARIABLES,
    "engine": Topic.ENGINE,
    "provider.": Topic.PROVIDERS,
    "module.": Topic.MODULES,
}


class Verdict(StrEnum):
    """The result of a comparison."""

    SAME = "same"
    """Equal, apart from allowed differences."""
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"
    """No known difference, but something is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The known facts of one of two twins."""

    stack: Stack
    facts: Mapping[Topic, Mapping[str, str]]
    """Topic -> name -> value; `unknown` explains topics that are missing."""
    unknown: Mapping[Topic, str] = field(default_factory=dict)
    """Topic -> why it is unknown, as a clause: "prod was never applied"."""
    only_given: frozenset[str] = frozenset()
    """Variables that are set only by the operator's settings, not by the var file."""
    is_local: bool = False
    """Runs on developers' machines, where environment variables are unknown."""
    never_applied: bool = False
    """Whether it has no state; False also if that cannot be read."""
    commit: Sha | None = None
    """Of the release in place, or else of the compared code."""
    applied_at: datetime | None = None
    """When the release in place was applied; None if there is none."""
    serial: int | None = None
    """Of the compared state."""
    inputs_digest: str | None = None
    """Of the release in place."""
    fetched_digest: str | None = None
    """Of the modules and providers of the release in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """An intended difference."""

    environments: frozenset[EnvName]
    """Two or more environments; it applies between any twins among them."""
    difference: str
    """The name of what may differ; `*` matches any name."""
    reason: str

    def covers(self, one: EnvName, other: EnvName, name: str) -> bool:
        """Whether it allows a difference of this name between these two."""
        literal = self.difference.replace("[", "[[]").replace("?", "[?]")
        return {one, other} <= self.environments and fnmatchcase(name, literal)

    @property
    def topics(self) -> frozenset[Topic]:
        """The topics that it can refer to."""
        if self.difference.startswith("*"):
            return frozenset(Topic)
        known = (topic for prefix, topic in _PREFIXES.items() if self.difference.startswith(prefix))
        return frozenset({next(known, Topic.RESOURCES)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One fact in which twins differ."""

    topic: Topic
    name: str
    values: tuple[str, str]
    """Values of the first and of the second twin."""
    allowed: str | None = None
    """Why it is allowed; None if it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two twins and all their differences."""

    sides: tuple[Side, Side]
    """First the environment whose policy names the other one as its twin."""
    differences: tuple[Difference, ...]
    """By topic, then by name."""
    unknown: Mapping[Topic, str]
    """Topic -> why it cannot be compared."""

    @property
    def unmeant(self) -> tuple[Difference, ...]:
        """The differences that no allowance matches."""
        return tuple(each for each in self.differences if each.allowed is None)

    @property
    def verdict(self) -> Verdict:
        """The result of the comparison."""
        if self.unmeant:
            return Verdict.DIFFERS
        return Verdict.NOT_COMPARABLE if self.unknown else Verdict.SAME

    @property
    def label(self) -> str:
        """`staging ≈ prod`, with the project if it is not the default one."""
        one, other = (side.stack for side in self.sides)
        project = "" if one.project == "default" else f" ({one.project})"
        return f"{one.env} ≈ {other.env}{project}"


def compare(one: Side, other: Side, allowances: Sequence[Allowance] = ()) -> Twins:
    """Compare all facts of two twins; the first matching allowance explains a difference."""
    unknown = {
        topic: " and ".join(
            dict.fromkeys(side.unknown[topic] for side in (one, other) if topic in side.unknown)
        )
        for topic in Topic
        if topic in one.unknown or topic in other.unknown
    }
    found = [
        Difference(
            topic=topic,
            name=name,
            values=values,
            allowed=_reason(one.stack.env, other.stack.env, name, allowances),
        )
        for topic in Topic
        if topic not in unknown
        for name, values in _unequal(topic, one, other)
    ]
    return Twins(sides=(one, other), differences=tuple(found), unknown=unknown)


def overall(compared: Iterable[Twins]) -> Verdict:
    """Return the worst verdict; without comparisons, there is no difference."""
    verdicts = {twins.verdict for twins in compared}
    order = (Verdict.DIFFERS, Verdict.NOT_COMPARABLE)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.SAME)


def unused(compared: Sequence[Twins], allowances: Sequence[Allowance]) -> tuple[Allowance, ...]:
    """Return the allowances that match no difference of the twins they name.

    An allowance for something that could not be compared may be needed, so it is not returned.
    """
    return tuple(allowance for allowance in allowances if _is_unused(allowance, compared))


def _is_unused(allowance: Allowance, compared: Sequence[Twins]) -> bool:
    about = [
        twins for twins in compared if {side.stack.env for side in twins.sides} <= allowance.environments
    ]
    return bool(about) and not any(
        twins.unknown.keys() & allowance.topics
        or any(allowance.covers(*_names(twins), each.name) for each in twins.differences)
        for twins in about
    )


def _names(twins: Twins) -> tuple[EnvName, EnvName]:
    one, other = twins.sides
    return one.stack.env, other.stack.env


def _unequal(topic: Topic, one: Side, other: Side) -> list[tuple[str, tuple[str, str]]]:
    left, right = one.facts.get(topic, {}), other.facts.get(topic, {})
    missing = NOT_SET if topic is Topic.VARIABLES else _MISSING
    names = left.keys() | right.keys()
    if topic is Topic.VARIABLES:
        # A developer's variables are unknown, so variables set only on the server cannot be compared.
        names -= one.only_given if other.is_local else frozenset()
        names -= other.only_given if one.is_local else frozenset()
    pairs = {name: (left.get(name, missing), right.get(name, missing)) for name in sorted(names)}
    return [(name, values) for name, values in pairs.items() if values[0] != values[1]]


def _reason(one: EnvName, other: EnvName, name: str, allowances: Sequence[Allowance]) -> str | None:
    return next((each.reason for each in allowances if each.covers(one, other, name)), None)
