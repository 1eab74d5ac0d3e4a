"""Which stacks a change touches, and what makes two trees the same release of a stack."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bot.domain.core.globs import matches
from bot.domain.core.model import EnvName, ProjectName, Stack
from bot.domain.hcl.module_calls import called_directories, local_module_calls
from bot.domain.trees.links import Followed, is_entry, way_to

__all__ = [
    "POLICY_PATH",
    "PolicyPart",
    "counted_paths",
    "input_paths",
    "is_selected",
    "local_module_calls",
    "stack_inputs_digest",
    "touched",
    "tree_paths",
]

POLICY_PATH = "gatewright.yaml"
"""Changing it touches no stack: the version of the default branch is in force."""
LOCK_FILE = ".terraform.lock.hcl"
_VAR_FILE = re.compile(
    r"(?:.*/)?(?!terraform\.tfvars(?:\.json)?$)(?![^/]*\.auto\.tfvars)[^/]*\.tfvars(?:\.json)?", re.DOTALL
)
"""Allowed names of `var_file` in the policy: none that Terraform loads automatically."""
_WILDCARD = re.compile(r"[*?]")

WhenModified = Mapping[tuple[EnvName, ProjectName], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPart:
    """The part of the policy that is an input of a project's stacks."""

    canonical: str
    """Engine, version and directory, the same text in every environment."""
    var_files: frozenset[str]
    """Var files of all projects and environments: they may differ between environments."""
    patterns: tuple[tuple[str, ...], ...] = ()
    """All `when_modified` patterns of the project in any environment."""


def touched(
    stacks: Sequence[Stack],
    changed_files: Iterable[str],
    module_calls: Mapping[str, tuple[str, ...]],
    when_modified: WhenModified,
) -> tuple[Stack, ...]:
    """Return the stacks that a change of these files touches, in their order.

    `changed_files` contains both names of a rename. `when_modified` has patterns relative to the repository,
    for stacks that do not use everything below their directory; later patterns win, and `!` excludes. Called
    modules, other paths that the code names, the var file and the provider lock file always count.
    """
    changed = [path for path in changed_files if path != POLICY_PATH]
    return tuple(
        stack
        for stack in stacks
        if _is_touched(stack, changed, module_calls, when_modified.get((stack.env, stack.project)))
    )


def input_paths(
    tree: Followed, stack: Stack, module_calls: Mapping[str, tuple[str, ...]], policy_part: PolicyPart
) -> frozenset[str]:
    """Return the paths of `tree.files` in the stack inputs digest; a run sees no others.

    They are the project directory, what it calls or names, the `when_modified` paths of any environment, and
    the targets of their links, with every link on the way. Var files and the policy are left out wherever
    they appear.
    """
    called = called_directories(stack.directory, module_calls)
    directories = {stack.directory, *called}
    withheld = withheld_paths(tree, stack, policy_part)
    named = _Named(policy_part.patterns)
    found = set[str]()
    for path in tree.files:
        if path not in called and not _is_below(path, directories) and not named.takes(path):
            continue
        seen = {path, *_entries(path, tree)}
        if withheld.isdisjoint(seen):
            found |= seen
    return frozenset(found)


def counted_paths(
    tree: Followed, stack: Stack, module_calls: Mapping[str, tuple[str, ...]], policy_part: PolicyPart
) -> tuple[str, ...]:
    """Return the sorted paths that the inputs digest counts, and the stack's own var file."""
    counted = input_paths(tree, stack, module_calls, policy_part)
    own = [path for path in (stack.var_file,) if path in tree.files]
    return tuple(sorted({*counted, *filter(None, own)}))


def tree_paths(
    tree: Followed, stack: Stack, module_calls: Mapping[str, tuple[str, ...]], policy_part: PolicyPart
) -> frozenset[str]:
    """Return the tree entries (files and links) that a run gets: its inputs and its var file."""
    counted = input_paths(tree, stack, module_calls, policy_part)
    var_file = stack.var_file or ""
    own = _entries(var_file, tree) if var_file in tree.files else ()
    return frozenset({*(path for path in counted if is_entry(path, tree)), *own})


def withheld_paths(tree: Followed, stack: Stack, policy_part: PolicyPart) -> frozenset[str]:
    """Return what no run gets as an input: the policy and var files, by all names and paths."""
    var_files = {path for path in (stack.var_file, *policy_part.var_files) if path is not None}
    # A link of one environment must not take away from another one what is no var file but, say, its code.
    places = {
        place for path in var_files if (place := way_to(path, tree).place) and _VAR_FILE.fullmatch(place)
    }
    return frozenset({POLICY_PATH, *var_files, *places})


def stack_inputs_digest(
    tree: Followed, stack: Stack, module_calls: Mapping[str, tuple[str, ...]], policy_part: PolicyPart
) -> str:
    """Return the SHA-256 of everything that `input_paths` counts, and of the policy's part.

    The provider lock file is in the project directory. Var files are left out, so that two environments with
    the same release have the same digest.
    """
    files, texts = tree.files, tree.texts
    counted = sorted(input_paths(tree, stack, module_calls, policy_part))
    inputs = [[path, files[path], *([texts[path]] if path in texts else ())] for path in counted]
    # JSON keeps paths and ids apart whatever characters a path has.
    canonical = json.dumps([policy_part.canonical, stack.directory, inputs])
    return hashlib.sha256(canonical.encode()).hexdigest()


def _entries(path: str, tree: Followed) -> Iterator[str]:
    """Yield the tree entries through which a path is visible: links on the way, and their files."""
    way = way_to(path, tree)
    yield from way.links
    # A link that is taken for a directory may stand for a file, of which it would be counted.
    for place in (way.place, *(tree.links.get(link) for link in way.links)):
        if place is not None and place in tree.files:
            yield place


class _Named:
    """Outside paths that `when_modified` names; prefixes rule out most paths quickly."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        self._lists = lists
        taking = [pattern for patterns in lists for pattern in patterns if not pattern.startswith("!")]
        self._starts = tuple({_WILDCARD.split(pattern, maxsplit=1)[0] for pattern in taking})

    def takes(self, path: str) -> bool:
        return path.startswith(self._starts) and any(is_selected(path, patterns) for patterns in self._lists)


def _is_touched(
    stack: Stack,
    changed: Sequence[str],
    module_calls: Mapping[str, tuple[str, ...]],
    patterns: Sequence[str] | None,
) -> bool:
    lock_file = LOCK_FILE if stack.directory == "." else f"{stack.directory}/{LOCK_FILE}"
    called = called_directories(stack.directory, module_calls)
    named = {stack.var_file, lock_file, *called}
    for path in changed:
        if path in named or _is_below(path, called):
            return True
        if is_selected(path, patterns) if patterns is not None else _is_below(path, {stack.directory}):
            return True
    return False


def is_selected(path: str, patterns: Sequence[str]) -> bool:
    """Whether the last matching pattern includes the path."""
    for pattern in reversed(patterns):
        if matches(pattern.removeprefix("!"), path):
            return not pattern.startswith("!")
    return False


def _is_below(path: str, directories: AbstractSet[str]) -> bool:
    """Whether a path is below one of the directories, which may be many."""
    if "." in directories:
        return True
    ends = (at for at, character in enumerate(path) if character == "/")
    return any(path[:end] in directories for end in ends)
