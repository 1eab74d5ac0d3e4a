"""The files of a checkout that a run may get, committed or not."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from bot.adapters.workspace.git import Git
from bot.adapters.workspace.tree_rules import ERRORED_STATE
from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Sha
from bot.domain.hcl.module_calls import TERRAFORM_FILES, local_module_calls
from bot.domain.trees.links import follow
from bot.ports import OVERRIDE_FILE, Merge
from bot.services.stacks.touched import MergedTree

_NEVER: Final = frozenset({".git", ".terraform"})
_OURS: Final = frozenset({ERRORED_STATE, OVERRIDE_FILE})
"""Files that runs leave and that no run may get."""
_ON_DISK: Final = "on the disk"
"""Placeholder for the blob of every file: nothing is compared here."""


async def working_tree(root: Path) -> MergedTree:
    """Return the tree of a checkout without ignored files; GatewrightError for links out of it."""
    listed = await _listed(root)
    return await asyncio.to_thread(_read, root, listed)


async def _listed(root: Path) -> Sequence[str]:
    if not any((place / ".git").exists() for place in (root, *root.parents)):
        return await asyncio.to_thread(lambda: sorted(_walked(root)))
    listing = await Git(home=root).run(
        f"listing the files of {root}",
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=root,
        # The checkout may belong to another user, as in a container; listing it runs none of its code.
        config={"safe.directory": "*"},
    )
    return sorted({os.fsdecode(path) for path in listing.stdout.split(b"\0") if path})


def _walked(root: Path) -> Iterator[str]:
    for directory, directories, files in os.walk(root):
        directories[:] = sorted(name for name in directories if name not in _NEVER)
        links = [name for name in directories if Path(directory, name).is_symlink()]
        yield from (str(Path(directory, name).relative_to(root)) for name in (*files, *links))


def _read(root: Path, listed: Iterable[str]) -> MergedTree:
    files, texts = dict[str, str](), dict[str, str]()
    for path in listed:
        kind = _kind(root, path)
        if kind is None or path.rpartition("/")[2] in _OURS:
            continue
        files[path] = _ON_DISK
        if kind == stat.S_IFLNK:
            texts[path] = str((root / path).readlink())
    tree = follow(files, texts)
    for path in texts.keys() - tree.links.keys():
        raise GatewrightError(f"the symbolic link {root / path} leads out of the checkout or to itself")
    modules = [path for path in tree.files if path.endswith(TERRAFORM_FILES) and (root / path).is_file()]
    code = {path: (root / path).read_text(encoding="utf-8", errors="replace") for path in modules}
    return MergedTree(
        merge=Merge(tree="", merge_base=Sha(""), changed_files=()),
        files=tree.files,
        module_calls=local_module_calls(code),
        links=tree.links,
        texts=texts,
    )


def _kind(root: Path, path: str) -> int | None:
    """Return the kind of a path, file or link; None for all others and for missing ones."""
    place = root / path
    if any((root / above).is_symlink() for above in Path(path).parents):
        return None
    try:
        kind = stat.S_IFMT(place.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return kind if kind in {stat.S_IFREG, stat.S_IFLNK} else None
