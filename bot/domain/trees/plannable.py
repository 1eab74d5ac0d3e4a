"""Refuse to plan trees in which Terraform would see less than people do.

Missing content looks to Terraform like something to destroy: a root module without configuration, a submodule
that git leaves empty, an LFS pointer in the place of its file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bot.domain.core.model import Stack
from bot.domain.hcl.module_calls import called_directories
from bot.domain.hcl.scanner import hcl_tokens
from bot.domain.trees.selection import PolicyPart, is_selected

LARGEST_POINTER: Final = 1024
"""Maximum size in bytes of an LFS pointer."""
_POINTER: Final = re.compile(
    rb"\s*version (?:https://git-lfs\.github\.com/spec/|https://hawser\.github\.com/spec/|http://git-media\.io/v/)"
)
_TERRAFORM_ENDINGS: Final = (".tf.json", ".tf")
_TOFU_ENDINGS: Final = (".tofu.json", ".tofu")
_OURS: Final = ("gatewright_backend_override", "gatewright_state_operation")
"""Suffix of the stems of files that Gatewright writes into a root module."""
_WILDCARDS: Final = re.compile(r"[*?]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTree:
    """A tree as Terraform sees it, with links replaced by their targets."""

    files: Mapping[str, str]
    """Path -> id of the content; of a submodule, its commit."""
    module_calls: Mapping[str, tuple[str, ...]]
    links: Mapping[str, str] = field(default_factory=dict)
    """Path of a symbolic link -> path of its target."""
    submodules: Collection[str] = frozenset()
    """Paths of submodules."""
    blank: Collection[str] = frozenset()
    """Paths of module files that contain only blanks and comments."""


def is_configured(tree: SourceTree, stack: Stack, engine: str) -> bool:
    """Whether the root module has its own configuration; a `terraform {}` block is enough."""
    return any(path not in tree.blank for path in root_files(tree, stack, engine))


def root_files(tree: SourceTree, stack: Stack, engine: str) -> tuple[str, ...]:
    """Return the files that the engine loads as the configuration of the root module.

    Override files are left out, since they configure nothing alone, and so are Gatewright's own files.
    """
    start = "" if stack.directory == "." else f"{stack.directory}/"
    names = [
        path[len(start) :]
        for path in tree.files
        if path.startswith(start) and "/" not in path[len(start) :] and _is_a_file(path, tree)
    ]
    return tuple(f"{start}{name}" for name in _loaded(frozenset(names), engine))


def has_content(path: str, text: str) -> bool:
    """Whether a module file, which may be invalid, contains more than blanks and comments."""
    if path.endswith(".json"):
        return _json_has_content(text)
    return any(token.kind != "sign" or token.text != "\n" for token in hcl_tokens(text))


def unfetched(tree: SourceTree, stack: Stack, part: PolicyPart, paths: Collection[str]) -> tuple[str, ...]:
    """Return the sorted submodules that contain an input, or could contain one.

    `paths` are the inputs that the tree shows; the contents of submodules are unknown.
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
    """Return the prefix of every path that a pattern matches."""
    return _WILDCARDS.split(pattern, maxsplit=1)[0]


def is_pointer(content: bytes) -> bool:
    """Whether a file is an LFS pointer."""
    return len(content) <= LARGEST_POINTER and _POINTER.match(content) is not None


def _submodule_of(
    path: str, tree: SourceTree, commits: Collection[str], *, through_links: bool = True
) -> str | None:
    """Return the submodule that a path is or is inside of, also through links."""
    for place in _and_above(path):
        leads_to = tree.links.get(place) if through_links else None
        if leads_to is not None:
            found = _submodule_of(leads_to, tree, commits, through_links=False)
            if found is not None:
                return found
        # The id identifies a submodule under every path at which links show it.
        if tree.files.get(place) in commits:
            return place
    return None


def _loaded(names: Collection[str], engine: str) -> Iterator[str]:
    """Yield the file names of a directory that the engine loads before override files."""
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
    """Whether Terraform ignores a file as hidden or as an editor's backup."""
    return name.startswith(".") or name.endswith("~") or (name.startswith("#") and name.endswith("#"))


def _is_a_file(path: str, tree: SourceTree) -> bool:
    """Whether a path is a file, not a submodule and not a link to a directory or nowhere."""
    return path not in tree.submodules and (path not in tree.links or tree.links[path] in tree.files)


def _json_has_content(text: str) -> bool:
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


def _may_take_below(directory: str, lists: Sequence[Sequence[str]]) -> bool:
    """Whether patterns could match something below a directory of unknown content."""
    return any(
        is_selected(f"{directory}/{rest}", patterns)
        for patterns in lists
        for pattern in patterns
        if not pattern.startswith("!")
        for rest in _examples(pattern)
    )


def _examples(pattern: str) -> Iterator[str]:
    """Yield possible ends of paths that a pattern matches, from its last name to all of it."""
    written = f"{pattern}**" if pattern.endswith("/") else pattern
    names = [_WILDCARDS.sub("x", name) for name in written.split("/")]
    for at in range(len(names)):
        yield "/".join(names[at:])


def _and_above(path: str) -> Iterator[str]:
    """Yield a path and its parent directories, without the root of the tree."""
    while path and path != ".":
        yield path
        path = path.rpartition("/")[0]
