"""Path patterns with `*`, `?` and `**`, matched in time proportional to pattern times path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Wanted = TypeVar("Wanted")


def matches(pattern: str, path: str) -> bool:
    """Whether the whole path matches a pattern.

    `**` stands for any directories, `*` and `?` stay within one name. A pattern that ends in `/` stands for everything
    below that directory.
    """
    if pattern.endswith("/"):
        pattern += "**"
    return fits(path.split("/"), pattern.split("/"), "**", _name_fits)


def _name_fits(name: str, pattern: str) -> bool:
    begin, star, end = pattern.partition("*")
    if "?" not in pattern and "*" not in end:
        # Nearly all patterns are this simple, and trees have very many names.
        plain = len(name) >= len(begin) + len(end) and name.startswith(begin) and name.endswith(end)
        return plain if star else name == pattern
    return fits(name, pattern, "*", lambda char, wanted: wanted in {"?", char})


def fits(
    items: Sequence[Item], pattern: Sequence[Wanted], star: Wanted, fit: Callable[[Item, Wanted], bool]
) -> bool:
    """Whether all items fit a pattern in which `star` stands for any number of them.

    It matches greedily and steps back to the last star only, which is enough for patterns of this kind.
    """
    at = place = 0
    after_star, taken = -1, 0
    while at < len(items):
        if place < len(pattern) and pattern[place] == star:
            after_star, taken = place + 1, at
            place += 1
        elif place < len(pattern) and fit(items[at], pattern[place]):
            at, place = at + 1, place + 1
        elif after_star >= 0:
            taken += 1
            at, place = taken, after_star
        else:
            return False
    return all(rest == star for rest in pattern[place:])
