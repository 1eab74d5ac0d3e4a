"""The effects of a changed `gatewright.yaml`, as shown before it is merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVERYWHERE: Final = "all environments"
"""Key of changes that belong to no environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """One changed setting; None where it is not set."""

    where: str
    """The environment, or the file's name for the part that applies to all environments."""
    setting: str
    """Dotted, as in the file."""
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentOutline:
    """A summary of an environment."""

    name: str
    plans: str
    """Who plans it."""
    applies: str
    """Who may apply it."""
    gates: tuple[str, ...]
    """Besides those that are always judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanges:
    """All differences."""

    added: tuple[EnvironmentOutline, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[PolicyChange, ...] = ()
    lost_gates: tuple[tuple[str, str], ...] = ()
    """Environment and gate for each gate that would no longer be judged."""

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments with changes, in the order in which they are shown."""
        names = [
            *(each.name for each in self.added),
            *self.removed,
            *(each.where for each in self.changed if each.where != EVERYWHERE),
        ]
        return tuple(dict.fromkeys(names))


NO_CHANGES: Final = PolicyChanges()
