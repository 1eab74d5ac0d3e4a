from __future__ import annotations

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.model import Sha
from tests.integration.workspace.origin import REPO, Origin

PULL = "refs/pull/7/head"
START = {"a.tf": "one\n", "b.tf": "two\n"}
BASE = {"a.tf": "one, later\n", "b.tf": "two\n"}
HEAD = {"a.tf": "one\n", "b.tf": "two, changed\n"}
BOTH = {"a.tf": "one, later\n", "b.tf": "two, changed\n"}


@pytest.mark.parametrize("base_first", [True, False])
async def test_merge_of_base_is_clean_when_git_makes_the_same(
    workspace: GitWorkspace,
    origin: Origin,
    base_first: bool,  # noqa: FBT001
) -> None:
    start = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(start,))
    base = await origin.commit(BASE, parents=(start,))
    parents = (base, head) if base_first else (head, base)
    merged = await origin.commit(BOTH, ref=PULL, parents=parents)
    await workspace.fetch(REPO, "", [base, merged])

    found = await workspace.lineage(REPO, base=base, head=merged, heads=[head, start])

    assert found.clean_merges == {merged: head}
    assert found.commits == {merged, head}
    assert found.equal_heads == {merged, head}
    assert found.in_base == {start}


async def test_merge_with_a_change_of_its_own_is_not_clean(workspace: GitWorkspace, origin: Origin) -> None:
    start = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(start,))
    base = await origin.commit(BASE, parents=(start,))
    merged = await origin.commit({**BOTH, "c.tf": "evil\n"}, ref=PULL, parents=(head, base))
    await workspace.fetch(REPO, "", [base, merged])

    found = await workspace.lineage(REPO, base=base, head=merged, heads=[])

    assert found.clean_merges == {}
    assert found.equal_heads == {merged}


async def test_a_resolved_conflict_is_somebodys_work(workspace: GitWorkspace, origin: Origin) -> None:
    start = await origin.commit({"a.tf": "one\n"})
    head = await origin.commit({"a.tf": "ours\n"}, ref=PULL, parents=(start,))
    base = await origin.commit({"a.tf": "theirs\n"}, parents=(start,))
    merged = await origin.commit({"a.tf": "ours\n"}, ref=PULL, parents=(head, base))
    await workspace.fetch(REPO, "", [base, merged])

    assert (await workspace.lineage(REPO, base=base, head=merged, heads=[])).clean_merges == {}


async def test_a_merge_of_another_branch_is_not_of_the_base(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(base,))
    other = await origin.commit(BASE, ref="refs/heads/other", parents=(base,))
    merged = await origin.commit(BOTH, ref=PULL, parents=(head, other))
    await workspace.fetch(REPO, "", [base, merged])

    found = await workspace.lineage(REPO, base=base, head=merged, heads=[])

    assert found.clean_merges == {}
    assert found.commits == {merged, head, other}


async def test_an_earlier_head_that_is_not_here_is_left_out(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(base,))
    await workspace.fetch(REPO, "", [base, head])

    found = await workspace.lineage(REPO, base=base, head=head, heads=[Sha("d" * 40)])

    assert found.commits == {head}
    assert not found.in_base


async def test_a_rewritten_head_is_no_commit_under_review(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit(START)
    old = await origin.commit(BASE, ref="refs/heads/old", parents=(base,))
    head = await origin.commit(HEAD, ref=PULL, parents=(base,))
    await workspace.fetch(REPO, "", [base, old, head])

    found = await workspace.lineage(REPO, base=base, head=head, heads=[old])

    assert found.commits == {head}
    assert set(found.parents) == {head, old}


async def test_merges_of_several_branches_or_base_alone_need_an_approval(
    workspace: GitWorkspace, origin: Origin
) -> None:
    # Given a merge of three commits, and one of two commits of the base, both with the content that git makes,
    start = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(start,))
    left = await origin.commit(BASE, parents=(start,))
    right = await origin.commit({**START, "c.tf": "three\n"}, ref="refs/heads/right", parents=(start,))
    base = await origin.commit({**BASE, "c.tf": "three\n"}, parents=(left, right))
    of_base = await origin.commit({**BASE, "c.tf": "three\n"}, ref="refs/heads/b", parents=(right, left))
    octopus = await origin.commit({**BOTH, "c.tf": "three\n"}, ref=PULL, parents=(head, left, right))
    await workspace.fetch(REPO, "", [base, octopus, of_base])

    found = await workspace.lineage(REPO, base=base, head=octopus, heads=[of_base])

    assert found.clean_merges == {}
    assert found.equal_heads == {octopus}


async def test_merge_of_an_older_base_is_clean_unlike_its_revert(
    workspace: GitWorkspace, origin: Origin
) -> None:
    # Given a base that has gone on, and a merge of what it was before,
    start = await origin.commit(START)
    head = await origin.commit(HEAD, ref=PULL, parents=(start,))
    older = await origin.commit(BASE, parents=(start,))
    base = await origin.commit({**BASE, "c.tf": "three\n"}, parents=(older,))
    merged = await origin.commit(BOTH, ref=PULL, parents=(head, older))
    # when the base is merged again with the content of the branch alone ("ours"),
    ours = await origin.commit(BOTH, ref=PULL, parents=(merged, base))
    await workspace.fetch(REPO, "", [base, ours])

    found = await workspace.lineage(REPO, base=base, head=ours, heads=[merged])

    # then only the first is nobody's work.
    assert found.clean_merges == {merged: head}
    assert found.equal_heads == {ours}
