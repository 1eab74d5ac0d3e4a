"""Rules of what a tree must not contain; pure, checked before a single file is written.

An override file that sorts later would replace Gatewright's backend, and Terraform would use a committed
`.terraform` directory or an escaping symbolic link; so they are refused. Wrongly refusing is preferred to
wrongly allowing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.adapters.untrusted import printable
from bot.adapters.workspace.trees import SUBMODULE, SYMLINK, TreeEntry
from bot.domain.trees.links import place_of

LARGEST_CHECKED = 1_000_000
"""Bytes of the largest override file that is read; larger ones are refused."""
INJECTED = "gatewright_backend_override"
"""End of the name of the file that Gatewright writes next to the module; the start may vary."""
ERRORED_STATE = "errored.tfstate"
"""What Terraform leaves when it could not save a state; a slot that holds one is never cleaned."""

DECLARED = "gatewright_state_operation"
"""The same, of the file in which a state operation is declared."""
_SUFFIXES = (".tf", ".tf.json", ".tofu", ".tofu.json")
_WORD = r"(?<![A-Za-z0-9_-]){}(?![A-Za-z0-9_-])"
_TERRAFORM = re.compile(_WORD.format("terraform"))
_STATE = re.compile(_WORD.format("(?:backend|cloud)"))


def needs_content(entry: TreeEntry) -> bool:
    """Whether judging this entry takes its content."""
    return entry.mode == SYMLINK or _is_override(_name(entry.path))


def find_problems(entries: Sequence[TreeEntry], contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return one sentence per unsafe entry, each beginning with its path."""
    links = {
        entry.path: contents.get(entry.blob, b"").decode("utf-8", "surrogateescape")
        for entry in entries
        if entry.mode == SYMLINK
    }
    found: list[str] = []
    for entry in entries:
        problem = (
            _name_problem(entry.path) or _link_problem(entry, links) or _override_problem(entry, contents)
        )
        if problem:
            found.append(f"{printable(entry.path)}: {problem}")
    return tuple(found)


def added_problem(path: str) -> str | None:
    """Return why a file that code added while it was planned is not accepted, None where it is.

    The names are those that Terraform, OpenTofu or git would read automatically.
    """
    for part in path.casefold().split("/"):
        name = part.rstrip(" .")
        if name.startswith((".git", "git~")):
            return "the planned code created it; git would read a file of this name."
        if ".tf" in name or ".tofu" in name or ".terraform" in name:
            return "the planned code created it; Terraform would read a file of this name."
    return None


def escapes(path: str, links: Mapping[str, str]) -> bool:
    """Whether the symbolic link at `path` leads out of the tree, through other links as well."""
    return place_of(path, links) is None


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _name_problem(path: str) -> str | None:
    parts = [part.rstrip(" .").casefold() for part in path.split("/")]
    if any(part == ".git" or part.startswith("git~") for part in parts):
        return "a file or directory of this name would be taken for a git repository."
    if ".terraform" in parts:
        return "Terraform's working data must not be committed, because it would redirect modules and state."
    for stem, what in ((INJECTED, "the backend settings"), (DECLARED, "the state operations")):
        if any(_name(path).casefold().endswith(f"{stem}{suffix}") for suffix in _SUFFIXES):
            return f"this name is reserved for {what} that Gatewright writes."
    if ERRORED_STATE in path.split("/"):
        return "an errored state must not be committed; Gatewright keeps such files for recovery."
    return None


def _link_problem(entry: TreeEntry, links: Mapping[str, str]) -> str | None:
    if entry.mode != SYMLINK:
        return None
    if not links[entry.path] or escapes(entry.path, links):
        return "the symbolic link points outside of the repository."
    if _is_override(_name(entry.path)):
        return "an override file must not be a symbolic link."
    return None


def _is_override(name: str) -> bool:
    stems = (name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix))
    return any(stem == "override" or stem.endswith("_override") for stem in stems)


def _override_problem(entry: TreeEntry, contents: Mapping[str, bytes]) -> str | None:
    if entry.mode in (SYMLINK, SUBMODULE) or not _is_override(_name(entry.path)):
        return None
    content = contents.get(entry.blob)
    if content is None:
        return f"an override file above {LARGEST_CHECKED} bytes cannot be checked."
    text = content.decode("utf-8", "replace")
    if entry.path.endswith(".json"):
        return _json_problem(text)
    if _TERRAFORM.search(text) and _STATE.search(text):
        return "an override file must not set `backend` or `cloud`, because that would redirect the state."
    return None


def _json_problem(text: str) -> str | None:
    """Every key counts, duplicates too.

    What Python cannot read is refused, as Terraform might read it otherwise.
    """
    keys: set[str] = set()

    def remember(pairs: list[tuple[str, Any]]) -> None:
        keys.update(key for key, _ in pairs)

    try:
        json.loads(text, object_pairs_hook=remember)
    except (ValueError, RecursionError):
        return "the override file is not valid JSON, so it cannot be checked."
    if "terraform" in keys and keys & {"backend", "cloud"}:
        return "an override file must not set `backend` or `cloud`, because that would redirect the state."
    return None
