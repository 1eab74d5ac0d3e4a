"""Modules that import one another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from tests.docs.source_tree import Module


def import_circles(found: Iterable[Module]) -> list[tuple[str, ...]]:
    """Return each group of modules that import one another, by name."""
    imports = {module.name: module.imports for module in found}
    edges = {
        name: {module for each in names if (module := _module(each, imports)) and module != name}
        for name, names in imports.items()
    }
    left = _pruned(edges)
    reached = {name: _reached(name, left) for name in left}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in left
        if name in reached[name]
    }
    return sorted(groups)


def _module(name: str, known: Collection[str]) -> str | None:
    """Return the module that is imported: the name is one, or is in one."""
    return next((each for each in (name, name.rpartition(".")[0]) if each in known), None)


def _pruned(edges: Mapping[str, AbstractSet[str]]) -> dict[str, set[str]]:
    """Remove again and again what imports nothing that is left: it is in no circle."""
    left = {name: set(others) for name, others in edges.items()}
    while leaves := {name for name, others in left.items() if not others}:
        left = {name: others - leaves for name, others in left.items() if name not in leaves}
    return left


def _reached(start: str, edges: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Return what `start` imports, directly or not; itself too where it is in a circle."""
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges[name]
    return found
