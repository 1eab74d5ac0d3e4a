from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.model import Repo, Sha
from bot.ports import GitHub, GitTree, Merge, Workspace
from bot.services.stacks.touched import Trees
from tests.fakes.records.builders import pull
from tests.integration.workspace.origin import REPO, STACK, Origin

PULL = "refs/pull/7/head"


class _Tokens:
    """The one question that `Trees` has for GitHub."""

    async def git_token(self, repo: Repo) -> str:  # noqa: ARG002 - the port names it
        return ""


@dataclass
class _Counting:
    """The real workspace, with an eye on what is merged."""

    real: GitWorkspace
    merges: list[tuple[Sha, Sha]] = field(default_factory=list)

    async def merge(self, repo: Repo, *, base: Sha, head: Sha) -> Merge:
        self.merges.append((base, head))
        return await self.real.merge(repo, base=base, head=head)

    async def fetch(self, repo: Repo, token: str, refs: Sequence[str]) -> None:
        await self.real.fetch(repo, token, refs)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)


def _trees(workspace: GitWorkspace) -> tuple[Trees, _Counting]:
    counting = _Counting(workspace)
    return Trees(github=cast("GitHub", _Tokens()), workspace=cast("Workspace", counting)), counting


async def _two_sides(origin: Origin, text: str = "two\n") -> tuple[Sha, Sha]:
    base = await origin.commit({"terraform/main.tf": "one\n"})
    head = await origin.commit({"terraform/main.tf": text}, ref=PULL, parents=(base,))
    return base, head


async def test_the_same_two_commits_are_merged_once(workspace: GitWorkspace, origin: Origin) -> None:
    base, head = await _two_sides(origin)
    trees, counting = _trees(workspace)

    first = await trees.merged(REPO, pull(head_sha=head), base=base, head=head)
    second = await trees.merged(REPO, pull(head_sha=head), base=base, head=head)

    assert second == first
    assert counting.merges == [(base, head)]


async def test_another_head_is_merged_anew(workspace: GitWorkspace, origin: Origin) -> None:
    base, head = await _two_sides(origin)
    trees, _ = _trees(workspace)
    first = await trees.merged(REPO, pull(head_sha=head), base=base, head=head)

    later = await origin.commit({"terraform/main.tf": "three\n"}, ref=PULL, parents=(head,))
    second = await trees.merged(REPO, pull(head_sha=later), base=base, head=later)

    assert second.merge.tree != first.merge.tree


async def test_merge_lost_by_the_mirror_is_made_again(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    fork_point = await origin.commit({"a.tf": "one\n", "b.tf": "one\n"})
    base = await origin.commit({"a.tf": "two\n", "b.tf": "one\n"}, parents=(fork_point,))
    head = await origin.commit({"a.tf": "one\n", "b.tf": "two\n"}, ref=PULL, parents=(fork_point,))
    trees, counting = _trees(workspace)
    first = await trees.merged(REPO, pull(head_sha=head), base=base, head=head)

    # The merged tree is nobody's commit: a fresh clone does not bring it back.
    shutil.rmtree(data_dir / "mirrors" / "acme" / "infra.git")
    second = await trees.merged(REPO, pull(head_sha=head), base=base, head=head)

    assert second == first
    assert len(counting.merges) == 2
    async with workspace.slot(STACK) as slot:
        await workspace.lay_out(slot, GitTree(repo=REPO, tree=second.merge.tree))
        assert (slot.tree / "a.tf").read_text() == "two\n"
        assert (slot.tree / "b.tf").read_text() == "two\n"
