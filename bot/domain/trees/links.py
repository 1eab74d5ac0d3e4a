"""Resolve the symbolic links of a tree: what they lead to counts as an input as well."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.domain.core.errors import WorkspaceError

_MOST_STEPS: Final = 40
"""Maximum number of links on the way to one target; more are a cycle."""
_DEEPEST: Final = 4
"""Maximum depth of nested links; a link that contains itself has no end."""
_MOST_FILES: Final = 500_000
"""Maximum number of files that are visible only through links."""


class TooManyLinksError(WorkspaceError):
    """Too many files are behind links to compute in time which stacks a change touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A tree as Terraform sees it."""

    files: Mapping[str, str]
    """Path -> blob id, including paths that lead through links."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a link -> path of its target; empty for the root of the tree."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Path of a link -> its text, also for links without a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a path is reached: its real path, and the links on the way."""

    place: str | None
    """None if it leaves the tree or is a cycle."""
    links: tuple[str, ...]


def follow(files: Mapping[str, str], texts: Mapping[str, str]) -> Followed:
    """Return the tree with links replaced by their targets; a link without a target is kept.

    `files` contains the links as well, and `texts` their contents. Raises TooManyLinksError.
    """
    if not texts:
        return Followed(files=files)
    plain = {path: blob for path, blob in files.items() if path not in texts}
    places = {path: place for path in texts if (place := place_of(path, texts)) is not None}
    tree = _Tree(plain=plain, paths=sorted(plain), places=places, links=sorted(places))
    found = dict(files)
    for path, place in places.items():
        for each, blob in tree.behind(path, place, depth=1):
            found[each] = blob
            if len(found) - len(files) > _MOST_FILES:
                raise TooManyLinksError(
                    f"more than {_MOST_FILES} files lie behind the symbolic links of the tree: a link leads to too much"
                )
    return Followed(files=found, links=places, texts=texts)


def way_to(path: str, tree: Followed) -> Way:
    """Return the entries of the tree that are needed to read a path of `tree.files`."""
    if not tree.texts or tree.texts.keys().isdisjoint(_and_above(path)):
        return Way(place=path, links=())
    passed = list[str]()
    place = _walk([], path.split("/"), tree.texts, passed, most=_MOST_STEPS * (_DEEPEST + 2))
    return Way(place=place, links=tuple(passed))


def is_entry(path: str, tree: Followed) -> bool:
    """Whether a path of `tree.files` is an entry of the tree, not only visible through a link."""
    return not tree.texts or tree.texts.keys().isdisjoint(_and_above(path.rpartition("/")[0]))


def place_of(path: str, texts: Mapping[str, str]) -> str | None:
    """Return the target of a link; None if it leaves the tree or is a cycle.

    The check of a tree uses the same walk as the resolution of its links, so that both always agree.
    """
    if texts[path].startswith("/"):
        return None
    return _walk(path.split("/")[:-1], _names(texts[path]), texts, [], most=_MOST_STEPS)


def seen_through(changed: Iterable[str], tree: Followed) -> frozenset[str]:
    """Return changed paths together with every path under which links show them."""
    if not tree.links:
        return frozenset(changed)
    shown_at: dict[str, list[str]] = defaultdict(list)
    # A link that led on, or was removed, changes what is seen at every link whose way it was or would be on.
    passed: dict[str, list[str]] = defaultdict(list)
    for path, place in tree.links.items():
        shown_at[place].append(path)
        for step in {*way_to(path, tree).links, *_and_above(place)} - {path, place, ""}:
            passed[step].append(path)
    found, waiting = set[str](), [(path, 0) for path in changed]
    linked = sorted(path for path in tree.files) if any(path in tree.links for path, _ in waiting) else []
    while waiting:
        path, depth = waiting.pop()
        if path in found:
            continue
        found.add(path)
        # A link that leads elsewhere now changes all that is seen through it.
        found.update(_below(linked, path) if path in tree.links else ())
        if depth < _DEEPEST:
            waiting += [(link, depth + 1) for link in passed.get(path, ())]
            for place in _and_above(path):
                rest = path[len(place) :] if place else f"/{path}"
                waiting += [(f"{link}{rest}", depth + 1) for link in shown_at.get(place, ())]
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    plain: Mapping[str, str]
    paths: Sequence[str]
    places: Mapping[str, str]
    links: Sequence[str]

    def behind(self, path: str, place: str, *, depth: int) -> Iterator[tuple[str, str]]:
        """Yield the paths at which the content of a place is visible."""
        if place in self.plain:
            yield path, self.plain[place]
            return
        for each in _below(self.paths, place):
            yield _moved(each, place, path), self.plain[each]
        if depth < _DEEPEST:
            for link in _below(self.links, place):
                yield from self.behind(_moved(link, place, path), self.places[link], depth=depth + 1)


def _walk(
    place: list[str], names: Iterable[str], texts: Mapping[str, str], passed: list[str], *, most: int
) -> str | None:
    """Follow path components from a place through any links; `passed` collects the links."""
    todo, steps = deque(names), 0
    while todo:
        name = todo.popleft()
        if name == "..":
            if not place:
                return None
            place.pop()
            continue
        place.append(name)
        path = "/".join(place)
        text = texts.get(path)
        if text is None:
            continue
        passed.append(path)
        steps += 1
        if text.startswith("/") or steps > most:
            return None
        place.pop()
        todo.extendleft(reversed(_names(text)))
    return "/".join(place)


def _below(paths: Sequence[str], place: str) -> Iterator[str]:
    """Yield the sorted paths below a place."""
    start = f"{place}/" if place else ""
    for at in range(bisect_left(paths, start), len(paths)):
        if not paths[at].startswith(start):
            return
        yield paths[at]


def _moved(path: str, place: str, to: str) -> str:
    return f"{to}/{path[len(place) :].removeprefix('/')}"


def _and_above(path: str) -> Iterator[str]:
    """Yield a path, all its parents, and the root."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def _names(text: str) -> list[str]:
    return [name for name in text.split("/") if name not in {"", "."}]
