from __future__ import annotations

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.adapters.workspace.git import git_version
from bot.domain.core.errors import MergeConflictError, WorkspaceError
from bot.domain.core.model import Sha
from tests.integration.workspace.origin import REPO, Link, Origin

MAIN = "refs/heads/main"
PULL = "refs/pull/7/head"


async def test_clean_merge_holds_both_sides_and_names_what_head_changed(
    workspace: GitWorkspace, origin: Origin
) -> None:
    fork_point = await origin.commit({"a.tf": "one\n", "b.tf": "two\n", "old name.tf": "same text\n"})
    base = await origin.commit(
        {"a.tf": "one, later\n", "b.tf": "two\n", "old name.tf": "same text\n"}, parents=(fork_point,)
    )
    head = await origin.commit(
        {"a.tf": "one\n", "b.tf": "two, changed\n", "nové.tf": "same text\n"}, ref=PULL, parents=(fork_point,)
    )

    await workspace.fetch(REPO, "", [MAIN, PULL])
    merge = await workspace.merge(REPO, base=base, head=head)

    assert merge.merge_base == fork_point
    assert merge.changed_files == ("b.tf", "nové.tf", "old name.tf")
    assert await workspace.read_file(REPO, merge.tree, "a.tf") == "one, later\n"
    assert await workspace.read_file(REPO, merge.tree, "b.tf") == "two, changed\n"
    assert set((await workspace.tree_files(REPO, merge.tree)).blobs) == {"a.tf", "b.tf", "nové.tf"}


async def test_a_conflict_names_its_paths(workspace: GitWorkspace, origin: Origin) -> None:
    fork_point = await origin.commit({"x/a.tf": "one\n", "b.tf": "two\n"})
    base = await origin.commit({"x/a.tf": "ours\n", "b.tf": "ours\n"}, parents=(fork_point,))
    head = await origin.commit({"x/a.tf": "theirs\n", "b.tf": "theirs\n"}, ref=PULL, parents=(fork_point,))
    await workspace.fetch(REPO, "", [base, head])

    with pytest.raises(MergeConflictError) as raised:
        await workspace.merge(REPO, base=base, head=head)

    assert raised.value.paths == ("b.tf", "x/a.tf")


async def test_up_to_date_head_merges_to_its_own_tree(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    head = await origin.commit({"a.tf": "two\n"}, ref=PULL, parents=(base,))
    await workspace.fetch(REPO, "", [base, head])

    merge = await workspace.merge(REPO, base=base, head=head)
    already = await workspace.merge(REPO, base=head, head=base)

    assert (merge.merge_base, merge.changed_files) == (base, ("a.tf",))
    assert (already.tree, already.changed_files) == (merge.tree, ())


@pytest.mark.parametrize("kept", ["left.tf", "right.tf"])
async def test_merge_that_drops_a_change_of_one_base_changed_it(
    workspace: GitWorkspace, origin: Origin, kept: str
) -> None:
    # Two branches that were merged into the base, and merged once more by the head, which drops one's change: it is
    # not in what the head changes against the other one.
    old = {"left.tf": "old\n", "right.tf": "old\n"}
    root = await origin.commit(old)
    left = await origin.commit({**old, "left.tf": "new\n"}, parents=(root,))
    right = await origin.commit({**old, "right.tf": "new\n"}, ref="refs/heads/other", parents=(root,))
    base = await origin.commit(dict.fromkeys(old, "new\n"), parents=(left, right))
    head = await origin.commit({**old, kept: "new\n"}, ref=PULL, parents=(left, right))
    await workspace.fetch(REPO, "", [base, head])

    merge = await workspace.merge(REPO, base=base, head=head)

    [dropped] = old.keys() - {kept}
    assert await workspace.read_file(REPO, merge.tree, dropped) == "old\n"
    assert dropped in merge.changed_files


async def test_commits_without_a_common_history_are_refused(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    head = await origin.commit({"b.tf": "two\n"}, ref=PULL)
    await workspace.fetch(REPO, "", [base, head])

    with pytest.raises(WorkspaceError, match="share no history"):
        await workspace.merge(REPO, base=base, head=head)


async def test_unknown_commit_is_an_error_that_says_what_was_done(
    workspace: GitWorkspace, origin: Origin
) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [base])

    with pytest.raises(WorkspaceError, match="finding the merge base"):
        await workspace.merge(REPO, base=base, head=Sha("f" * 40))


@pytest.mark.parametrize("name", ["--upload-pack=evil", "main", "HEAD~1", "abc123", ""])
async def test_only_full_object_ids_reach_git(workspace: GitWorkspace, origin: Origin, name: str) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [base])

    with pytest.raises(WorkspaceError, match="not a full git object id"):
        await workspace.merge(REPO, base=base, head=Sha(name))
    with pytest.raises(WorkspaceError, match="not a full git object id"):
        await workspace.read_file(REPO, name, "a.tf")


async def test_reading_tells_absent_files_links_and_directories_from_text(
    workspace: GitWorkspace, origin: Origin
) -> None:
    commit = await origin.commit({"dir/a.tf": "text\n", "link": Link(target="dir/a.tf"), ":(top)*": "odd\n"})
    await workspace.fetch(REPO, "", [commit])

    async def read(path: str) -> str | None:
        return await workspace.read_file(REPO, commit, path)

    assert await read("dir/a.tf") == "text\n"
    assert await read(":(top)*") == "odd\n"
    assert [await read(path) for path in ("dir", "dir/", "link", "none", "", "dir/*", "../a", "--help")] == [
        None
    ] * 8


async def test_a_file_too_large_or_not_text_is_not_read(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit(
        {"large": b"x" * 5_000_001, "binary": b"\xff\xfe\x00", "edge": b"x" * 5_000_000}
    )
    await workspace.fetch(REPO, "", [commit])

    with pytest.raises(WorkspaceError, match="larger than 5000000 bytes"):
        await workspace.read_file(REPO, commit, "large")
    with pytest.raises(WorkspaceError, match="not UTF-8"):
        await workspace.read_file(REPO, commit, "binary")
    edge = await workspace.read_file(REPO, commit, "edge")

    assert edge is not None
    assert len(edge) == 5_000_000


async def test_many_blobs_are_read_at_once(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit({"a.tf": "one\n", "b.tf": "", "c.tf": b"\xff\n", "d.tf": "a\n\nb"})
    await workspace.fetch(REPO, "", [commit])
    files = (await workspace.tree_files(REPO, commit)).blobs

    texts = await workspace.read_blobs(REPO, list(files.values()))

    assert {path: texts[blob] for path, blob in files.items()} == {
        "a.tf": "one\n",
        "b.tf": "",
        "c.tf": "\ufffd\n",
        "d.tf": "a\n\nb",
    }
    assert await workspace.read_blobs(REPO, []) == {}


async def test_blob_that_is_missing_or_too_large_is_an_error(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit({"a.tf": "one\n", "large.tf": b"x" * 5_000_001})
    await workspace.fetch(REPO, "", [commit])
    files = (await workspace.tree_files(REPO, commit)).blobs

    for blob in ("f" * 40, files["large.tf"]):
        with pytest.raises(WorkspaceError, match="missing or larger than"):
            await workspace.read_blobs(REPO, [files["a.tf"], blob])


async def test_the_version_of_git_is_known() -> None:
    assert await git_version() >= (2, 38)


async def test_symbolic_links_are_read_with_the_tree(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit({"a.tf": "one\n", "m/b.tf": Link(target="../a.tf"), "dir": Link(target="m")})
    await workspace.fetch(REPO, "", [commit])

    found = await workspace.tree_files(REPO, commit)

    assert set(found.blobs) == {"a.tf", "dir", "m/b.tf"}
    assert found.links == {"dir": "m", "m/b.tf": "../a.tf"}


async def test_a_tip_holds_what_its_history_holds_and_nothing_else(
    workspace: GitWorkspace, origin: Origin
) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    head = await origin.commit({"a.tf": "two\n"}, ref=PULL, parents=(base,))
    merge = await origin.commit({"a.tf": "two\n"}, parents=(base, head))
    tip = await origin.commit({"a.tf": "three\n"}, parents=(merge,))
    squashed = await origin.commit({"a.tf": "squashed\n"}, ref=PULL, parents=(base,))
    await workspace.fetch(REPO, "", [tip, squashed])

    held = [
        commit
        for commit in (base, head, merge, tip)
        if await workspace.contains(REPO, tip=tip, commit=commit)
    ]
    others = [
        await workspace.contains(REPO, tip=base, commit=merge),
        await workspace.contains(REPO, tip=tip, commit=squashed),
        await workspace.contains(REPO, tip=tip, commit=Sha("f" * 40)),
    ]

    assert held == [base, head, merge, tip]
    assert others == [False, False, False]
