"""Trees that are in no git: of a release's bundle, or as they lie on a developer's machine. Pure.

They are judged as a tree of git is; where that would say that a directory is a submodule, here it is empty, or a
repository of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.links import follow
from bot.domain.model import Stack
from bot.domain.module_calls import TERRAFORM_FILES, local_module_calls
from bot.domain.plannable import SourceTree, inputs, is_configured, is_pointer, says_something, unfetched
from bot.domain.selection import PolicyPart


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseTree:
    """What lies in a directory."""

    contents: Mapping[str, bytes | None]
    """Path of a file -> what it holds; None where it is neither of a module nor small enough for a pointer."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> what is written in it."""
    empty: frozenset[str] = frozenset()
    """Directories in which nothing lies; git knows none, but a submodule that was not fetched is one."""
    repositories: frozenset[str] = frozenset()
    """Directories below that are git repositories of their own, as submodules are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Why no plan of a stack is made of a tree; nothing where one is."""

    submodules: tuple[str, ...]
    pointers: tuple[str, ...]
    is_configured: bool


def judge(loose: LooseTree, stack: Stack, part: PolicyPart, engine: str) -> Judged:
    """Return what is wrong with a tree as the source of a stack."""
    hollow = loose.empty | loose.repositories
    every = {*loose.contents, *loose.links, *hollow}
    followed = follow({path: path for path in every}, loose.links)
    texts = {
        path: content.decode("utf-8", "replace")
        for path, place in followed.files.items()
        if path.endswith(TERRAFORM_FILES) and (content := loose.contents.get(place)) is not None
    }
    tree = SourceTree(
        files=followed.files,
        module_calls=local_module_calls(texts),
        links=followed.links,
        submodules=hollow,
        blank=frozenset(path for path, text in texts.items() if not says_something(path, text)),
    )
    paths = inputs(tree, stack, part)
    fetched_by_git = replace(tree, submodules=loose.repositories)
    # Programs leave empty directories, too: they count only where a module should be.
    left_empty = unfetched(replace(tree, submodules=loose.empty), stack, replace(part, patterns=()), ())
    return Judged(
        submodules=tuple(sorted({*unfetched(fetched_by_git, stack, part, paths), *left_empty})),
        pointers=tuple(path for path in paths if is_pointer(loose.contents.get(tree.files[path]) or b"")),
        is_configured=is_configured(tree, stack, engine),
    )


def is_of_interest(path: str) -> bool:
    """Whether a file has to be read whatever its size."""
    return path.endswith(TERRAFORM_FILES)
