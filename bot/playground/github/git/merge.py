"""Merging in a bare repository, without a working tree where git can do without."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.playground.github.git.process import GitError, run_git
from bot.playground.github.git.repo import GitRepo, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """What to merge, how, and in whose name. `method` is merge, squash or rebase."""

    base: str
    head: str
    method: str
    by: Signature
    message: str


async def merged_tree(repo: GitRepo, base: str, head: str) -> str | None:
    """The tree of a merge of two commits; None on a conflict."""
    code, output = await run_git(
        "merge-tree", "--write-tree", "--name-only", base, head, home=repo.home, cwd=repo.path, allowed=(0, 1)
    )
    return output.decode().split("\n", 1)[0].strip() if code == 0 else None


async def merge(repo: GitRepo, request: MergeRequest) -> str | None:
    """Create the merge commit for the base; None on a conflict. No ref is changed."""
    if request.method == "rebase":
        return await _rebase(repo, request)
    tree = await merged_tree(repo, request.base, request.head)
    if tree is None:
        return None
    parents = [request.base] if request.method == "squash" else [request.base, request.head]
    return await commit_tree(repo, tree, parents, by=request.by, message=request.message)


async def commit_tree(repo: GitRepo, tree: str, parents: list[str], *, by: Signature, message: str) -> str:
    """Write a commit object of a tree."""
    flags = [flag for parent in parents for flag in ("-p", parent)]
    return await repo.git("commit-tree", tree, *flags, stdin=message.encode(), extra=_identity(by))


async def _rebase(repo: GitRepo, request: MergeRequest) -> str | None:
    """Replay the commits in a temporary worktree; git 2.39 cannot do that in a bare repository."""
    with tempfile.TemporaryDirectory(dir=repo.home) as name:
        tree = Path(name) / "tree"
        await repo.git("worktree", "add", "--quiet", "--detach", str(tree), request.head)
        try:
            await run_git(
                "rebase", "--quiet", "--force-rebase", request.base,
                home=repo.home, cwd=tree, extra=_identity(request.by),
            )  # fmt: skip
            _, sha = await run_git("rev-parse", "HEAD", home=repo.home, cwd=tree)
            return sha.decode().strip()
        except GitError:
            return None
        finally:
            await repo.git("worktree", "remove", "--force", str(tree))


def _identity(by: Signature) -> Mapping[str, str]:
    return {
        "GIT_AUTHOR_NAME": by.name,
        "GIT_AUTHOR_EMAIL": by.email,
        "GIT_AUTHOR_DATE": f"{int(by.at)} +0000",
        "GIT_COMMITTER_NAME": by.name,
        "GIT_COMMITTER_EMAIL": by.email,
        "GIT_COMMITTER_DATE": f"{int(by.at)} +0000",
    }
