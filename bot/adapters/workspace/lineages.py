"""The commits of a pull request, and the merges among them that only bring in the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.adapters.workspace.names import object_id
from bot.adapters.workspace.trees import TreeReader
from bot.domain.core.errors import MergeConflictError, WorkspaceError
from bot.domain.core.model import Sha
from bot.domain.gates.pushes import Lineage

_MOST_COMMITS = 5000
_MOST_MERGES = 100
"""Merges that are made again to compare; every further one counts as a person's work."""
_TWO = 2

Parents = Mapping[Sha, tuple[Sha, ...]]


async def lineage(reader: TreeReader, *, base: Sha, head: Sha, heads: Sequence[Sha]) -> Lineage:
    """Return what `head` and the `heads` that are here have and `base` has not."""
    await reader.git.require_merge_tree()
    here = [head, *await _present(reader, [each for each in heads if each != head])]
    parents = await _commits(reader, base=base, heads=here)
    return Lineage(
        head=head,
        parents=parents,
        in_base=frozenset(each for each in here if each not in parents),
        clean_merges=await _clean_merges(reader, parents),
    )


async def _present(reader: TreeReader, commits: Sequence[Sha]) -> list[Sha]:
    if not commits:
        return []
    asked = "".join(f"{object_id(each)}\n" for each in commits).encode()
    answer = await _git(reader, "looking for commits", "cat-file", "--batch-check", stdin=asked)
    lines = [line.split() for line in answer.splitlines()]
    return [Sha(words[0]) for words in lines if words[1:2] == ["commit"]]


async def _commits(reader: TreeReader, *, base: Sha, heads: Sequence[Sha]) -> dict[Sha, tuple[Sha, ...]]:
    """Return commit -> parents, the newest first."""
    listed = await _git(
        reader,
        "listing the commits of the pull request",
        "rev-list",
        "--parents",
        "--topo-order",
        f"--max-count={_MOST_COMMITS + 1}",
        *(object_id(each) for each in heads),
        f"^{object_id(base)}",
        "--",
    )
    lines = [line.split() for line in listed.splitlines()]
    if len(lines) > _MOST_COMMITS:
        raise WorkspaceError(f"listing the commits of the pull request: there are more than {_MOST_COMMITS}")
    return {Sha(commit): tuple(Sha(each) for each in parents) for commit, *parents in lines}


async def _clean_merges(reader: TreeReader, parents: Parents) -> dict[Sha, Sha]:
    """A parent that is not among the commits is one that the base has."""
    merges: list[tuple[Sha, Sha]] = []
    for commit, of in parents.items():
        own = [each for each in of if each in parents]
        if len(of) == _TWO and len(own) == 1:
            merges.append((commit, own[0]))
    found = merges[:_MOST_MERGES]
    trees = await _trees(reader, [commit for commit, _ in found])
    clean = [await _is_clean(reader, parents[commit], trees[commit]) for commit, _ in found]
    return {commit: into for (commit, into), holds in zip(found, clean, strict=True) if holds}


async def _is_clean(reader: TreeReader, parents: Sequence[Sha], tree: str) -> bool:
    first, second = parents
    try:
        return await reader.merged_tree(first, second) == tree
    except MergeConflictError:
        return False


async def _trees(reader: TreeReader, commits: Sequence[Sha]) -> Mapping[Sha, str]:
    asked = "".join(f"{commit}^{{tree}}\n" for commit in commits).encode()
    answer = await _git(reader, "reading trees", "cat-file", "--batch-check", stdin=asked) if commits else ""
    return {commit: line.split()[0] for commit, line in zip(commits, answer.splitlines(), strict=True)}


async def _git(reader: TreeReader, doing: str, *arguments: str, stdin: bytes = b"") -> str:
    answer = await reader.git.run(doing, f"--git-dir={reader.mirror}", *arguments, stdin=stdin)
    return answer.stdout.decode()
