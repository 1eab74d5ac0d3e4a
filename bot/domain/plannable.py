"""Trees of which no plan is made, because Terraform would see less in them than people do. Pure.

What is not there looks to Terraform like something to destroy: a root module without configuration, a submodule that
git leaves empty, the pointer in the place of a file that Git LFS keeps elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.domain.globs import matches
from bot.domain.hcl import hcl_tokens
from bot.domain.model import Stack
from bot.domain.module_calls import called_directories
from bot.domain.selection import POLICY_PATH, PolicyPart

LARGEST_POINTER: Final = 1024
"""Bytes of the largest file that Git LFS takes for a pointer."""
_POINTER: Final = re.compile(
    rb"\s*version (?:https://git-lfs\.github\.com/spec/|https://hawser\.github\.com/spec/|http://git-media\.io/v/)"
)
_TERRAFORM_ENDINGS: Final = (".tf.json", ".tf")
_TOFU_ENDINGS: Final = (".tofu.json", ".tofu")
_OURS: Final = ("gatewright_backend_override", "gatewright_state_operation")
"""How the stems of the files end that Gatewright itself writes into a root module."""
_WILDCARDS: Final = re.compile(r"[*?]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """A tree as Terraform sees it: what links stand for stands where they stand."""

    files: Mapping[str, str]
    """Path -> id of the content; of a submodule, that of its commit."""
    module_calls: Mapping[str, tuple[str, ...]]
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> path of what it stands for."""
    submodules: Collection[str] = frozenset()
    """Paths of submodules, as git has them."""
    blank: Collection[str] = frozenset()
    """Paths of the files of modules that hold nothing but blanks and comments."""


def is_configured(tree: SourceTree, stack: Stack, engine: str) -> bool:
    """Whether the stack's root module has configuration of its own; a `terraform {}` alone is enough."""
    return any(path not in tree.blank for path in root_files(tree, stack, engine))


def root_files(tree: SourceTree, stack: Stack, engine: str) -> tuple[str, ...]:
    """Return the paths of the files that the engine loads as the configuration of the stack's root module.

    Override files are left out, as they say nothing by themselves, and so are the files that Gatewright writes.
    """
    start = "" if stack.directory == "." else f"{stack.directory}/"
    names = [
        path[len(start) :]
        for path in tree.files
        if path.startswith(start) and "/" not in path[len(start) :] and _is_a_file(path, tree)
    ]
    return tuple(f"{start}{name}" for name in _loaded(frozenset(names), engine))


def says_something(path: str, text: str) -> bool:
    """Whether a file of a module, which may be broken, holds anything but blanks and comments."""
    if path.endswith(".json"):
        return _json_says_something(text)
    return any(token.kind != "sign" or token.text != "\n" for token in hcl_tokens(text))


def inputs(tree: SourceTree, stack: Stack, part: PolicyPart) -> tuple[str, ...]:
    """Return the sorted paths that the stack's inputs digest counts, and its own var file."""
    called = called_directories(stack.directory, tree.module_calls)
    directories = {stack.directory, *called}
    left_out = {POLICY_PATH} | part.var_files
    starts = _starts(part.patterns)
    return tuple(
        path
        for path in sorted(tree.files)
        if path == stack.var_file
        or (
            path not in left_out
            and (
                _is_in(path, directories)
                or (path.startswith(starts) and any(_selected(path, each) for each in part.patterns))
            )
        )
    )


def unfetched(tree: SourceTree, stack: Stack, part: PolicyPart, paths: Collection[str]) -> tuple[str, ...]:
    """Return the sorted paths of the submodules of which something is an input, or could be.

    `paths` are the inputs that the tree shows; what a submodule holds, it does not show.
    """
    if not tree.submodules:
        return ()
    commits = frozenset(tree.files[path] for path in tree.submodules if path in tree.files)
    reached = {stack.directory, *called_directories(stack.directory, tree.module_calls), *paths}
    reached |= {stack.var_file} if stack.var_file else set()
    found = {_submodule_of(path, tree, commits) for path in reached}
    named = {path for path in tree.submodules if _may_take_below(path, part.patterns)}
    return tuple(sorted({path for path in found if path is not None} | named))


def literal_start(pattern: str) -> str:
    """Return how every path begins that a pattern takes."""
    return _WILDCARDS.split(pattern, maxsplit=1)[0]


def is_pointer(content: bytes) -> bool:
    """Whether a file is what Git LFS leaves in the place of a larger one."""
    return len(content) <= LARGEST_POINTER and _POINTER.match(content) is not None


def _submodule_of(
    path: str, tree: SourceTree, commits: Collection[str], *, through_links: bool = True
) -> str | None:
    """Return the path of the submodule that a path is or lies in, through links as well."""
    for place in _and_above(path):
        leads_to = tree.links.get(place) if through_links else None
        if leads_to is not None:
            found = _submodule_of(leads_to, tree, commits, through_links=False)
            if found is not None:
                return found
        # The id tells a submodule under every path at which links show it.
        if tree.files.get(place) in commits:
            return place
    return None


def _loaded(names: Collection[str], engine: str) -> Iterator[str]:
    """Yield those of a directory's file names that the engine loads before what overrides them."""
    is_tofu = engine == "tofu"
    endings = (*_TOFU_ENDINGS, *_TERRAFORM_ENDINGS) if is_tofu else _TERRAFORM_ENDINGS
    for name in names:
        ending = next((each for each in endings if name.endswith(each)), None)
        if ending is None or _is_ignored(name):
            continue
        stem = name.removesuffix(ending)
        if stem == "override" or stem.endswith(("_override", *_OURS)):
            continue
        # OpenTofu does not load `main.tf` beside a `main.tofu`.
        if is_tofu and ending in _TERRAFORM_ENDINGS and f"{stem}{ending.replace('.tf', '.tofu')}" in names:
            continue
        yield name


def _is_ignored(name: str) -> bool:
    """Whether Terraform takes a file for a hidden one, or for one that an editor keeps."""
    return name.startswith(".") or name.endswith("~") or (name.startswith("#") and name.endswith("#"))


def _is_a_file(path: str, tree: SourceTree) -> bool:
    """Whether a path of the tree's files is one: submodules, and links to directories or to nothing, are listed too."""
    return path not in tree.submodules and (path not in tree.links or tree.links[path] in tree.files)


def _json_says_something(text: str) -> bool:
    try:
        root = json.loads(text)
    except (ValueError, RecursionError):
        # Terraform, which may be more patient, says itself what is wrong with it.
        return bool(text.strip())
    blocks = root if isinstance(root, list) else [root]
    return any(
        name != "//" and value not in (None, [])
        for block in blocks
        if isinstance(block, dict)
        for name, value in block.items()
    )


def _starts(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return how every path begins that the patterns could take, as most paths are told apart by that."""
    taking = [pattern for patterns in lists for pattern in patterns if not pattern.startswith("!")]
    return tuple({literal_start(pattern) for pattern in taking})


def _selected(path: str, patterns: Sequence[str]) -> bool:
    """Whether the last pattern that fits the path takes it in."""
    for pattern in reversed(patterns):
        if matches(pattern.removeprefix("!"), path):
            return not pattern.startswith("!")
    return False


def _may_take_below(directory: str, lists: Sequence[Sequence[str]]) -> bool:
    """Whether patterns could take in something below a directory of which nobody knows what it holds."""
    return any(
        _selected(f"{directory}/{rest}", patterns)
        for patterns in lists
        for pattern in patterns
        if not pattern.startswith("!")
        for rest in _examples(pattern)
    )


def _examples(pattern: str) -> Iterator[str]:
    """Yield how paths may end that a pattern takes in, from its last name to all of it."""
    written = f"{pattern}**" if pattern.endswith("/") else pattern
    names = [_WILDCARDS.sub("x", name) for name in written.split("/")]
    for at in range(len(names)):
        yield "/".join(names[at:])


def _is_in(path: str, directories: Collection[str]) -> bool:
    return "." in directories or any(place in directories for place in _and_above(path))


def _and_above(path: str) -> Iterator[str]:
    """Yield a path and every directory above it, the root of the tree left out."""
    while path and path != ".":
        yield path
        path = path.rpartition("/")[0]
