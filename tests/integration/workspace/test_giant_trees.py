"""Repositories of a few kilobytes that stand for more than any memory holds."""

from __future__ import annotations

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.errors import WorkspaceError
from bot.domain.core.model import Sha
from bot.ports import GitTree
from tests.integration.workspace.origin import REPO, Origin, git

LEVELS, NAMES = 6, 12


async def nested(origin: Origin) -> Sha:
    """Commit a directory that holds the same directory many times, and so on."""
    inner = await origin.tree({"main.tf": "# nothing\n"})
    for _ in range(LEVELS):
        lines = [f"040000 tree {inner}\t{number:02d}-{'x' * 20}" for number in range(NAMES)]
        inner = await git("mktree", "-z", cwd=origin.path, stdin="\0".join(lines).encode())
    commit = await git("commit-tree", inner, "-m", "a bomb", cwd=origin.path)
    await git("update-ref", "refs/heads/main", commit, cwd=origin.path)
    return Sha(commit)


async def test_a_tree_of_endless_files_is_a_clean_failure(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await nested(origin)
    await workspace.fetch(REPO, "", [commit])

    with pytest.raises(WorkspaceError, match="git answers with more than 128 MiB"):
        await workspace.tree_files(REPO, commit)


async def test_files_that_are_too_large_together_are_not_read(
    workspace: GitWorkspace, origin: Origin
) -> None:
    files = {f"{number}.tf": f"#{number}{' ' * 4_900_000}" for number in range(60)}
    commit = await origin.commit(files)
    await workspace.fetch(REPO, "", [commit])
    blobs = sorted((await workspace.tree_files(REPO, commit)).blobs.values())

    with pytest.raises(WorkspaceError, match="all together have more than"):
        await workspace.read_blobs(REPO, blobs)
    assert len(await workspace.read_blobs(REPO, blobs[:2])) == 2
    # What is packed may be larger: it is not read by anybody.
    assert await workspace.pack(GitTree(repo=REPO, tree=commit, paths=frozenset({"1.tf"})), extra={})
