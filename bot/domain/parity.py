"""Twins: environments that are to resemble each other, compared fact by fact.

A fact is a name and a value, both of which may be shown: a variable is set or not (its value is not a fact), a
provider has a version, a type of resource a count. Differences that are meant are allowed by name, with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from bot.domain.model import EnvName, Sha, Stack

NOT_SET: Final = "not set"
SET: Final = "set"
_MISSING: Final = "none"


class Topic(StrEnum):
    """What is compared, in the order in which it is told."""

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
    """What a comparison comes to."""

    SAME = "same"
    """Alike, but for what is allowed."""
    DIFFERS = "differs"
    NOT_COMPARABLE = "not_comparable"
    """Nothing is known to differ, and something is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two twins, as far as it is known."""

    stack: Stack
    facts: Mapping[Topic, Mapping[str, str]]
    """Topic -> name -> value; a topic that is missing is explained in `unknown`."""
    unknown: Mapping[Topic, str] = field(default_factory=dict)
    """Topic -> why nothing is known of it, a sentence's middle: "prod was never applied"."""
    only_given: frozenset[str] = frozenset()
    """Variables that only the operator's settings set, not the var file."""
    is_local: bool = False
    """Run on developers' machines: what is set there by environment variables is not known."""
    never_applied: bool = False
    """Whether there is no state of it; False also where that cannot be read."""
    commit: Sha | None = None
    """Of the release in place, else of the code that was looked at."""
    applied_at: datetime | None = None
    """When the release in place was applied; None where it never was."""
    serial: int | None = None
    """Of the state that was looked at."""
    inputs_digest: str | None = None
    """Of the release in place."""
    fetched_digest: str | None = None
    """Of the modules and providers that the release in place was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A difference that is meant."""

    environments: frozenset[EnvName]
    """Two or more; it is meant between any twins among them."""
    difference: str
    """The name of what may differ; `*` stands for anything."""
    reason: str

    def covers(self, one: EnvName, other: EnvName, name: str) -> bool:
        """Whether it allows a difference of this name between these two."""
        literal = self.difference.replace("[", "[[]").replace("?", "[?]")
        return {one, other} <= self.environments and fnmatchcase(name, literal)

    @property
    def topics(self) -> frozenset[Topic]:
        """What it can be about."""
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
    """Of the first and of the second."""
    allowed: str | None = None
    """The reason for which it is allowed; None where it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two twins and everything in which they differ."""

    sides: tuple[Side, Side]
    """First the environment whose policy names the other one as its twin."""
    differences: tuple[Difference, ...]
    """By topic, then by name."""
    unknown: Mapping[Topic, str]
    """Topic -> why it cannot be compared."""

    @property
    def unmeant(self) -> tuple[Difference, ...]:
        """Those that nobody has allowed."""
        return tuple(each for each in self.differences if each.allowed is None)

    @property
    def verdict(self) -> Verdict:
        """What the comparison comes to."""
        if self.unmeant:
            return Verdict.DIFFERS
        return Verdict.NOT_COMPARABLE if self.unknown else Verdict.SAME

    @property
    def label(self) -> str:
        """`staging ≈ prod`, with the project where it is not the default one."""
        one, other = (side.stack for side in self.sides)
        project = "" if one.project == "default" else f" ({one.project})"
        return f"{one.env} ≈ {other.env}{project}"


def compare(one: Side, other: Side, allowances: Sequence[Allowance] = ()) -> Twins:
    """Compare every fact of two twins; the first allowance that covers a difference gives its reason."""
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
    """Return the worst verdict; nothing to compare is nothing that differs."""
    verdicts = {twins.verdict for twins in compared}
    order = (Verdict.DIFFERS, Verdict.NOT_COMPARABLE)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.SAME)


def unused(compared: Sequence[Twins], allowances: Sequence[Allowance]) -> tuple[Allowance, ...]:
    """Return the allowances that are needed nowhere among the twins that they are about.

    One about something that could not be compared may be needed, so it is not returned.
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
        # What a developer's shell sets is nobody's business here, so the server's own settings prove nothing.
        names -= one.only_given if other.is_local else frozenset()
        names -= other.only_given if one.is_local else frozenset()
    pairs = {name: (left.get(name, missing), right.get(name, missing)) for name in sorted(names)}
    return [(name, values) for name, values in pairs.items() if values[0] != values[1]]


def _reason(one: EnvName, other: EnvName, name: str, allowances: Sequence[Allowance]) -> str | None:
    return next((each.reason for each in allowances if each.covers(one, other, name)), None)
