"""Trees outside git: of a release's bundle, or on a developer's machine.

They are checked like git trees. Instead of a submodule entry, there is an empty directory or a nested
repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.core.model import Stack
from bot.domain.hcl.module_calls import TERRAFORM_FILES, local_module_calls
from bot.domain.trees.links import follow
from bot.domain.trees.plannable import (
    SourceTree,
    has_content,
    is_configured,
    is_pointer,
    unfetched,
)
from bot.domain.trees.selection import PolicyPart, counted_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseTree:
    """The contents of a directory."""

    contents: Mapping[str, bytes | None]
    """Path of a file -> content; None if it is neither part of a module nor small enough for an LFS pointer.
    """
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> its text."""
    empty: frozenset[str] = frozenset()
    """Empty directories: git tracks none, so they may be submodules that were not fetched."""
    repositories: frozenset[str] = frozenset()
    """Nested git repositories, as submodules are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Why a tree cannot be planned; empty if it can."""

    submodules: tuple[str, ...]
    pointers: tuple[str, ...]
    is_configured: bool


def judge(loose: LooseTree, stack: Stack, part: PolicyPart, engine: str) -> Judged:
    """Return what prevents a tree from being planned for a stack."""
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
        blank=frozenset(path for path, text in texts.items() if not has_content(path, text)),
    )
    paths = counted_paths(followed, stack, tree.module_calls, part)
    fetched_by_git = replace(tree, submodules=loose.repositories)
    # Programs leave empty directories, too: they count only where a module should be.
    left_empty = unfetched(replace(tree, submodules=loose.empty), stack, replace(part, patterns=()), ())
    return Judged(
        submodules=tuple(sorted({*unfetched(fetched_by_git, stack, part, paths), *left_empty})),
        pointers=tuple(path for path in paths if is_pointer(loose.contents.get(tree.files[path]) or b"")),
        is_configured=is_configured(tree, stack, engine),
    )


def is_of_interest(path: str) -> bool:
    """Whether a file must be read, whatever its size."""
    return path.endswith(TERRAFORM_FILES)
