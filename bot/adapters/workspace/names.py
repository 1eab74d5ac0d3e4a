"""Which names may become paths, refs or arguments.

Everything else is refused before git or the disk sees it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from bot.domain.core.errors import WorkspaceError
from bot.domain.core.model import Repo, Stack

_PART = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,100}")
_SLOT = re.compile(r"[0-9]{1,4}")
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]{1,500}")


def path_part(name: str) -> str:
    """Return a name that is safe as one component of a path; WorkspaceError otherwise."""
    if not _PART.fullmatch(name):
        raise WorkspaceError(f"{name!r} cannot be used as a directory name")
    return name


def repo_parts(repo: Repo) -> tuple[str, str]:
    """Return owner and name, both safe as path components."""
    return path_part(repo.owner), path_part(repo.name)


def slot_name(name: str) -> str:
    """Return a slot name as recorded with a plan.

    WorkspaceError for anything but a small number.
    """
    if not _SLOT.fullmatch(name):
        raise WorkspaceError(f"{name!r} is not the name of a slot")
    return name


def stack_directory(stack: Stack) -> str:
    """Return `owner--repo--project--env`, with a digest where dashes make it ambiguous."""
    owner, _, name = stack.repo.partition("/")
    parts = [path_part(part) for part in (owner, name, stack.project, stack.env)]
    joined = "--".join(parts)
    clear = all("--" not in part and part.strip("-") == part for part in parts)
    if clear and len(joined) <= _LONGEST:
        return joined
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return f"{joined[:_LONGEST]}--{digest}"


_LONGEST = 200


def is_object_id(name: str) -> bool:
    """Whether this is a full commit, tree or blob id."""
    return _OBJECT.fullmatch(name) is not None


def object_id(name: str) -> str:
    """Return a full object id.

    WorkspaceError for anything else, so that no option or range gets through.
    """
    if not is_object_id(name):
        raise WorkspaceError(f"{name!r} is not a full git object id")
    return name


def refspec(ref: str) -> str:
    """Return what to ask the origin for.

    A ref is kept under a flat name, so that `a` and `a/b` cannot collide.
    """
    if is_object_id(ref):
        return ref
    if not _REF.fullmatch(ref) or ".." in ref or "@{" in ref or ref.endswith(("/", ".", ".lock")):
        raise WorkspaceError(f"{ref!r} is neither a full ref name nor a full commit id")
    return f"+{ref}:{REF_PREFIX}{hashlib.sha256(ref.encode()).hexdigest()}"


def refspecs(refs: Sequence[str]) -> list[str]:
    """Return the refspecs for the origin.

    A commit is kept under a ref as well, since git negotiates the next fetch from refs. The ref replaces that
    of an older commit whose id starts alike, so that the number of refs is limited.
    """
    specs: list[str] = []
    taken: set[str] = set()
    for ref in refs:
        kept = f"{REF_PREFIX}commits/{ref[:2]}"
        if not is_object_id(ref) or kept in taken:
            specs.append(refspec(ref))
        else:
            taken.add(kept)
            specs.append(f"+{ref}:{kept}")
    return specs


REF_PREFIX = "refs/gatewright/"
