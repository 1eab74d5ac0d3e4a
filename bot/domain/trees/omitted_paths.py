"""Find repository files that a Terraform error names and that are not inputs of the run.

This decides nothing: it only helps to find the missing line of the policy.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.core.model import Stack
from bot.domain.trees.links import Followed, way_to
from bot.domain.trees.selection import PolicyPart, input_paths, tree_paths, withheld_paths

_LONGEST_TEXT: Final = 50_000
_LONGEST_WORD: Final = 2000
_MOST_WORDS: Final = 24
"""Maximum length of one path: Terraform wraps lines at blanks, so a name with blanks can be split."""
_MOST_NAMED: Final = 10
_MOST_PATTERN: Final = 200
_BORDER = re.compile(r"[\u2500-\u257f]+")
_OPENING = re.compile(r"[\"'`(\[{<=,:;|]")
_CLOSING: Final = "\"'`)]}>,:;."
_QUOTE = re.compile(r"[\"'`]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """Omitted paths that an error names, in its order."""

    patterns: tuple[str, ...] = ()
    """For `when_modified`: files, and directories with all their contents."""
    withheld: tuple[str, ...] = ()
    """Var files and the policy, which no pattern can add."""


def omitted_paths(
    text: str,
    tree: Followed,
    stack: Stack,
    module_calls: Mapping[str, tuple[str, ...]],
    policy_part: PolicyPart,
    *,
    roots: Sequence[str],
) -> Omitted:
    """Return the files of the tree that a text names and that a run of the stack does not get.

    Relative paths start at the root module, absolute ones at one of `roots`, the places of the tree.
    """
    held = input_paths(tree, stack, module_calls, policy_part) | tree_paths(
        tree, stack, module_calls, policy_part
    )
    withheld = withheld_paths(tree, stack, policy_part)
    known = _Known(files=sorted(tree.files.keys() - held), held=sorted(held))
    patterns, kept_back = dict[str, None](), dict[str, None]()
    for path, climbs in _named(text, stack.directory, roots):
        found = known.omitted(path)
        if found is None:
            continue
        if all(_is_withheld(each, tree, withheld) for each in found):
            kept_back[path] = None
        elif climbs:
            patterns[path if found == [path] else f"{path}/**"] = None
    below = tuple(pattern.removesuffix("**") for pattern in patterns if pattern.endswith("/**"))
    wanted = [path for path in patterns if path.endswith("/**") or not path.startswith(below)]
    usable = [path for path in wanted if len(path) <= _MOST_PATTERN and not path.startswith(("!", "-", "~"))]
    return Omitted(patterns=tuple(usable[:_MOST_NAMED]), withheld=tuple(kept_back)[:_MOST_NAMED])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    files: Sequence[str]
    held: Sequence[str]

    def omitted(self, path: str) -> list[str] | None:
        """Return the omitted file of a name, or those of a directory that is missing completely."""
        at = bisect_left(self.files, path)
        if at < len(self.files) and self.files[at] == path:
            return [path]
        below = list(_below(self.files, path))
        return below if below and next(_below(self.held, path), None) is None else None


def _below(paths: Sequence[str], directory: str) -> Iterator[str]:
    start = f"{directory}/"
    for at in range(bisect_left(paths, start), len(paths)):
        if not paths[at].startswith(start):
            return
        yield paths[at]


def _is_withheld(path: str, tree: Followed, withheld: frozenset[str]) -> bool:
    way = way_to(path, tree)
    return not withheld.isdisjoint({path, *way.links, way.place or path})


def _named(text: str, directory: str, roots: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield possible repository paths, and whether each is written as outside the root module."""
    words = [
        word
        for word in text[-_LONGEST_TEXT:].split()
        if len(word) <= _LONGEST_WORD and not _BORDER.fullmatch(word)
    ]
    for at, word in enumerate(words):
        for start in (0, *(sign.end() for sign in _OPENING.finditer(word))):
            if start == len(word):
                continue
            written = [word[start:], *words[at + 1 : at + _MOST_WORDS]]
            for many in range(1, len(written) + 1) if _is_path(written[0], roots) else (1,):
                yield from _resolved(" ".join(written[:many]), directory, roots)


def _is_path(word: str, roots: Sequence[str]) -> bool:
    return ".." in word or word.startswith(tuple(f"{root}/" for root in roots))


def _resolved(written: str, directory: str, roots: Sequence[str]) -> Iterator[tuple[str, bool]]:
    path = _QUOTE.split(written, maxsplit=1)[0].rstrip(_CLOSING)
    root = next((root for root in roots if path.startswith(f"{root}/")), None)
    if root is None and path.startswith("/"):
        return
    whole = posixpath.join(directory, path) if root is None else path[len(root) + 1 :]
    found = posixpath.normpath(whole)
    if path and found not in {".", ".."} and not found.startswith("../"):
        yield found, root is not None or ".." in path.split("/")
