"""Path patterns with `*`, `?` and `**`, matched in time proportional to pattern times path."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def matches(pattern: str, path: str) -> bool:
    """Whether the whole path fits: `**` stands for any directories, `*` and `?` stay within one name.

    A pattern that ends in `/` stands for everything below that directory.
    """
    if pattern.endswith("/"):
        pattern += "**"
    return _fits(path.split("/"), pattern.split("/"), "**", _name_fits)


def _name_fits(name: str, pattern: str) -> bool:
    return _fits(name, pattern, "*", lambda char, wanted: wanted in {"?", char})


def _fits(items: Sequence[str], pattern: Sequence[str], star: str, fits: Callable[[str, str], bool]) -> bool:
    """Match greedily and step back to the last star only, which is enough for patterns of this kind."""
    at = place = 0
    after_star, taken = -1, 0
    while at < len(items):
        if place < len(pattern) and pattern[place] == star:
            after_star, taken = place + 1, at
            place += 1
        elif place < len(pattern) and fits(items[at], pattern[place]):
            at, place = at + 1, place + 1
        elif after_star >= 0:
            taken += 1
            at, place = taken, after_star
        else:
            return False
    return all(rest == star for rest in pattern[place:])
