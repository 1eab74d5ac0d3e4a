"""What another `gatewright.yaml` would change, as far as people have to see it before they merge it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVERYWHERE: Final = "all environments"
"""Stands for what belongs to no environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """One setting that would be another one; None where it is not set."""

    where: str
    """The environment, or what the file calls the part of it that is for all environments."""
    setting: str
    """Dotted, as in the file."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOutline:
    """An environment in few words."""

    name: str
    plans: str
    """Who plans it."""
    applies: str
    """Who may apply it."""
    gates: tuple[str, ...]
    """Beyond those that are always judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanges:
    """Everything that would be different."""

    added: tuple[EnvironmentOutline, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[PolicyChange, ...] = ()
    lost_gates: tuple[tuple[str, str], ...] = ()
    """Environment and gate of each that would not be judged any more."""

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments that are concerned, in the order in which they are shown."""
        names = [
            *(each.name for each in self.added),
            *self.removed,
            *(each.where for each in self.changed if each.where != EVERYWHERE),
        ]
        return tuple(dict.fromkeys(names))


NO_CHANGES: Final = PolicyChanges()
