"""Commits that take merged pull requests out of the base again, on real git."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.errors import MergeConflictError, WorkspaceError
from bot.domain.core.model import Sha
from bot.ports.revert_pulls import Merged
from tests.integration.workspace.origin import REPO, Origin, git

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BEFORE = {"a.tf": "one\n", "b.tf": "same\n", "c.tf": "same\n"}


async def merged(
    origin: Origin,
    workspace: GitWorkspace,
    changes: dict[str, str],
    *,
    number: int = 7,
    squashed: bool = False,
) -> Merged:
    """Merge a pull request with one commit into main, as GitHub does it."""
    tip = await git("rev-parse", "main", cwd=origin.path)
    files = {**await contents(origin, tip), **changes}
    head = await origin.commit(files, ref=f"refs/pull/{number}/head", parents=(tip,))
    commit = await origin.commit(files, parents=(tip,) if squashed else (tip, head))
    await workspace.fetch(REPO, "", [commit, head])
    return Merged(number=number, head=head, commit=commit)


async def contents(origin: Origin, commit: str) -> dict[str, str]:
    names = (await git("ls-tree", "-r", "--name-only", commit, cwd=origin.path)).split()
    return {name: await git("show", f"{commit}:{name}", cwd=origin.path) + "\n" for name in names}


async def made(workspace: GitWorkspace, commit: Sha) -> dict[str, str | None]:
    """Return the files of a commit in the mirror."""
    return {name: await workspace.read_file(REPO, commit, name) for name in ("a.tf", "b.tf", "c.tf")}


@pytest.mark.parametrize("squashed", [False, True], ids=["a merge commit", "a squashed commit"])
async def test_merged_change_is_reverted_and_later_ones_stay(
    workspace: GitWorkspace, origin: Origin, *, squashed: bool
) -> None:
    await origin.commit(BEFORE)
    ours = await merged(origin, workspace, {"a.tf": "two\n"}, squashed=squashed)
    tip = await origin.commit({**BEFORE, "a.tf": "two\n", "c.tf": "later\n"}, parents=(ours.commit,))
    await workspace.fetch(REPO, "", [tip])

    commit = await workspace.reverted(REPO, tip, [ours], at=NOW)
    again = await workspace.reverted(REPO, tip, [ours], at=NOW)

    assert commit is not None
    assert commit == again
    assert await made(workspace, commit) == {"a.tf": "one\n", "b.tf": "same\n", "c.tf": "later\n"}


async def test_several_are_taken_back_newest_first(workspace: GitWorkspace, origin: Origin) -> None:
    await origin.commit(BEFORE)
    first = await merged(origin, workspace, {"a.tf": "two\n"}, number=7)
    second = await merged(origin, workspace, {"a.tf": "three\n", "b.tf": "new\n"}, number=8)

    commit = await workspace.reverted(REPO, second.commit, [second, first], at=NOW)

    assert commit is not None
    assert await made(workspace, commit) == BEFORE


async def test_later_changes_in_the_way_are_named(workspace: GitWorkspace, origin: Origin) -> None:
    await origin.commit(BEFORE)
    ours = await merged(origin, workspace, {"a.tf": "two\n", "b.tf": "new\n"})
    tip = await origin.commit({**BEFORE, "a.tf": "three\n", "b.tf": "new\n"}, parents=(ours.commit,))
    await workspace.fetch(REPO, "", [tip])

    with pytest.raises(MergeConflictError) as raised:
        await workspace.reverted(REPO, tip, [ours], at=NOW)

    assert raised.value.paths == ("a.tf",)


async def test_nothing_is_made_where_nothing_is_left_of_it(workspace: GitWorkspace, origin: Origin) -> None:
    before = await origin.commit(BEFORE)
    ours = await merged(origin, workspace, {"a.tf": "two\n"})
    tip = await origin.commit(BEFORE, parents=(ours.commit,))
    await workspace.fetch(REPO, "", [tip, before])

    assert await workspace.reverted(REPO, tip, [ours], at=NOW) is None


async def several(origin: Origin, workspace: GitWorkspace, *steps: dict[str, str]) -> tuple[Sha, Merged]:
    """Merge a pull request of several commits by rebasing it onto a base that moved; returns that base too."""
    start = await origin.commit(BEFORE)
    base = await origin.commit({**BEFORE, "c.tf": "moved\n"}, parents=(start,))
    head, commit, files = start, base, dict(BEFORE)
    for step in steps:
        files |= step
        head = await origin.commit(files, ref="refs/pull/7/head", parents=(head,))
        commit = await origin.commit({**files, "c.tf": "moved\n"}, parents=(commit,))
    await workspace.fetch(REPO, "", [commit, head])
    return base, Merged(number=7, head=head, commit=commit)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([{"a.tf": "two\n"}, {"b.tf": "new\n"}], id="of different files"),
        pytest.param([{"a.tf": "two\n"}, {"a.tf": "three\n"}], id="of the same file"),
        pytest.param(
            [{"a.tf": "two\n"}, {"a.tf": "three\n", "b.tf": "new\n"}, {"a.tf": "four\n"}], id="three"
        ),
    ],
)
async def test_all_commits_of_a_rebased_pull_request_are_taken_back(
    workspace: GitWorkspace, origin: Origin, steps: list[dict[str, str]]
) -> None:
    _, ours = await several(origin, workspace, *steps)

    commit = await workspace.reverted(REPO, ours.commit, [ours], at=NOW)

    assert commit is not None
    assert await made(workspace, commit) == {**BEFORE, "c.tf": "moved\n"}


async def test_a_squash_of_several_commits_is_taken_back_alone(
    workspace: GitWorkspace, origin: Origin
) -> None:
    base, ours = await several(origin, workspace, {"a.tf": "two\n"}, {"a.tf": "three\n"})
    before = await origin.commit({**BEFORE, "b.tf": "of another\n", "c.tf": "moved\n"}, parents=(base,))
    files = {"a.tf": "three\n", "b.tf": "of another\n", "c.tf": "moved\n"}
    squashed = await origin.commit(files, parents=(before,))
    await workspace.fetch(REPO, "", [squashed])

    commit = await workspace.reverted(REPO, squashed, [replace(ours, commit=squashed)], at=NOW)

    assert commit is not None
    assert await made(workspace, commit) == {**files, "a.tf": "one\n"}


@pytest.mark.parametrize("text", ["new\n", "binary \0\n"], ids=["a text", "not a text"])
async def test_commits_that_changed_while_they_were_merged_are_not_guessed(
    workspace: GitWorkspace, origin: Origin, text: str
) -> None:
    _, ours = await several(origin, workspace, {"a.tf": "two\n"}, {"b.tf": text})
    last = await origin.commit({**BEFORE, "a.tf": "otherwise\n", "b.tf": "new\n"}, parents=(ours.commit,))
    await workspace.fetch(REPO, "", [last])

    with pytest.raises(WorkspaceError, match="merged as several commits"):
        await workspace.reverted(REPO, last, [replace(ours, commit=last)], at=NOW)


async def test_only_branches_of_our_own_are_pushed(workspace: GitWorkspace, origin: Origin) -> None:
    before = await origin.commit(BEFORE)
    ours = await merged(origin, workspace, {"a.tf": "two\n"})
    commit = await workspace.reverted(REPO, ours.commit, [ours], at=NOW)
    assert commit is not None

    await workspace.push_branch(REPO, "", "gatewright/revert-staging-p2345678", commit)
    for name in ("main", "refs/heads/main", "gatewright/../main", "gatewright/x:main"):
        with pytest.raises(WorkspaceError):
            await workspace.push_branch(REPO, "", name, before)

    assert await git("rev-parse", "gatewright/revert-staging-p2345678", cwd=origin.path) == commit
    assert await git("rev-parse", "main", cwd=origin.path) == ours.commit
    assert len((await git("for-each-ref", "refs/heads", cwd=origin.path)).splitlines()) == 2


async def test_a_pull_request_whose_history_is_gone_is_an_error(
    workspace: GitWorkspace, origin: Origin
) -> None:
    await origin.commit(BEFORE)
    ours = await merged(origin, workspace, {"a.tf": "two\n"})

    with pytest.raises(WorkspaceError):
        await workspace.reverted(REPO, ours.commit, [replace(ours, commit=Sha("f" * 40))], at=NOW)
