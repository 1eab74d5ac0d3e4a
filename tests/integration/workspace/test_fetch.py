from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.errors import CommitMissingError, WorkspaceError
from bot.domain.core.model import Repo
from tests.fakes.clock import HandClock
from tests.integration.workspace.conftest import Pauses
from tests.integration.workspace.http_origin import HttpOrigin, serve
from tests.integration.workspace.origin import REPO, Origin, git

MAIN = "refs/heads/main"
TOKEN = "ghs_1234_" + "tokenvalue" * 20


def over_http(http: HttpOrigin, data_dir: Path, pauses: Pauses) -> GitWorkspace:
    return GitWorkspace(data_dir=data_dir, github_url=http.url, clock=HandClock(), sleep=pauses)


def packs(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("mirrors/acme/infra.git/objects/pack/*.pack"))


def files_with(secret: bytes, directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and secret in path.read_bytes()]


async def test_refs_and_commit_ids_become_readable(workspace: GitWorkspace, origin: Origin) -> None:
    first = await origin.commit({"a.tf": "one\n"})
    second = await origin.commit({"a.tf": "two\n"}, parents=(first,))
    pulled = await origin.commit({"a.tf": "three\n"}, ref="refs/pull/7/head", parents=(second,))

    await workspace.fetch(REPO, "", [MAIN, "refs/pull/7/head", first])

    texts = [await workspace.read_file(REPO, commit, "a.tf") for commit in (first, second, pulled)]
    assert texts == ["one\n", "two\n", "three\n"]


async def test_commit_that_no_ref_shows_is_fetched_by_id(workspace: GitWorkspace, origin: Origin) -> None:
    base = await origin.commit({"a.tf": "one\n"})
    head = await origin.commit({"a.tf": "two\n"}, ref="refs/pull/7/head", parents=(base,))
    await git("update-ref", "-d", "refs/pull/7/head", cwd=origin.path)

    await workspace.fetch(REPO, "", [base, head])

    assert await workspace.read_file(REPO, head, "a.tf") == "two\n"


async def test_only_new_objects_are_fetched_although_asked_for_by_id(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    large = "".join(f"{number * number}\n" for number in range(50_000))
    base = await origin.commit({"large.tf": large})
    head = await origin.commit({"large.tf": large, "a.tf": "two\n"}, parents=(base,))

    await workspace.fetch(REPO, "", [base])
    first = {pack: pack.stat().st_size for pack in packs(data_dir)}
    await workspace.fetch(REPO, "", [base, head])

    (second,) = set(packs(data_dir)) - set(first)
    assert second.stat().st_size < max(first.values()) / 100


async def test_commit_that_is_not_there_is_told_from_other_failures(
    workspace: GitWorkspace, origin: Origin, pauses: Pauses
) -> None:
    await origin.commit({"a.tf": "one\n"})

    with pytest.raises(CommitMissingError, match="not our ref"):
        await workspace.fetch(REPO, "", ["9" * 40])

    assert pauses.taken == [1.0, 2.0, 4.0]


async def test_a_ref_follows_a_forced_push(workspace: GitWorkspace, origin: Origin) -> None:
    await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [MAIN])
    rewritten = await origin.commit({"a.tf": "rewritten\n"})

    await workspace.fetch(REPO, "", [MAIN])

    assert await workspace.read_file(REPO, rewritten, "a.tf") == "rewritten\n"


async def test_a_branch_may_replace_a_directory_of_branches(workspace: GitWorkspace, origin: Origin) -> None:
    await origin.commit({"a.tf": "one\n"}, ref="refs/heads/topic")
    await workspace.fetch(REPO, "", ["refs/heads/topic"])
    await git("update-ref", "-d", "refs/heads/topic", cwd=origin.path)
    below = await origin.commit({"a.tf": "two\n"}, ref="refs/heads/topic/below")

    await workspace.fetch(REPO, "", ["refs/heads/topic/below"])

    assert await workspace.read_file(REPO, below, "a.tf") == "two\n"


async def test_known_commits_need_no_origin(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [MAIN])
    origin.path.rename(origin.path.with_name("gone"))

    await workspace.fetch(REPO, "", [commit])

    assert await workspace.read_file(REPO, commit, "a.tf") == "one\n"


async def test_parallel_fetches_of_one_commit_ask_the_origin_once(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    commit = await origin.commit({"a.tf": "one\n"})

    await asyncio.gather(*(workspace.fetch(REPO, "", [commit]) for _ in range(5)))

    assert len(packs(data_dir)) == 1


async def test_a_fetch_waits_while_another_process_holds_the_mirror(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    commit = await origin.commit({"a.tf": "one\n"})
    (data_dir / "mirrors" / "acme").mkdir()
    with (data_dir / "mirrors" / "acme" / "infra.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        fetching = asyncio.create_task(workspace.fetch(REPO, "", [commit]))
        await asyncio.wait([fetching], timeout=0.3)
        waited = not fetching.done()

    assert waited
    await fetching
    assert await workspace.read_file(REPO, commit, "a.tf") == "one\n"


@pytest.mark.parametrize("damage", ["HEAD", "config", "objects", "pack"])
async def test_a_damaged_mirror_is_cloned_again(
    workspace: GitWorkspace, origin: Origin, data_dir: Path, damage: str
) -> None:
    first = await origin.commit({"a.tf": "one\n" * 1000})
    await workspace.fetch(REPO, "", [MAIN])
    mirror = data_dir / "mirrors" / "acme" / "infra.git"
    if damage == "pack":
        for pack in packs(data_dir):
            pack.chmod(0o600)
            pack.write_bytes(pack.read_bytes()[:40] + b"\0" * 200)
    elif damage == "objects":
        (mirror / "objects").rename(mirror / "elsewhere")
    else:
        (mirror / damage).write_text("nonsense\n")
    second = await origin.commit({"a.tf": "two\n"}, parents=(first,))

    await workspace.fetch(REPO, "", [MAIN, second])

    assert await workspace.read_file(REPO, second, "a.tf") == "two\n"
    assert await workspace.read_file(REPO, first, "a.tf") == "one\n" * 1000


async def test_damage_found_while_reading_is_repaired_by_the_next_fetch(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    commit = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [commit])
    for pack in packs(data_dir):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:12] + b"\0" * 300)
    with pytest.raises(WorkspaceError):
        await workspace.read_file(REPO, commit, "a.tf")

    await workspace.fetch(REPO, "", [commit])

    assert await workspace.read_file(REPO, commit, "a.tf") == "one\n"


async def test_what_killed_git_left_behind_does_not_stop_next_fetch(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    first = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [MAIN])
    mirror = data_dir / "mirrors" / "acme" / "infra.git"
    for ref in list(mirror.glob("refs/gatewright/*")):
        ref.with_name(f"{ref.name}.lock").touch()
    (mirror / "packed-refs.lock").touch()
    (mirror / "not rebuilt").touch()
    second = await origin.commit({"a.tf": "two\n"}, parents=(first,))

    await workspace.fetch(REPO, "", [MAIN])

    assert (mirror / "not rebuilt").exists()
    assert await workspace.read_file(REPO, second, "a.tf") == "two\n"


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "--upload-pack=x",
        "refs/heads/a b",
        "refs/heads/a:b",
        "refs/heads/../x",
        "refs/heads/*",
        "+refs/x",
    ],
)
async def test_anything_but_a_full_ref_or_commit_is_refused(workspace: GitWorkspace, ref: str) -> None:
    with pytest.raises(WorkspaceError, match="neither a full ref name nor a full commit id"):
        await workspace.fetch(REPO, "", [ref])


@pytest.mark.parametrize("owner", ["..", ".", "", "a/b", "a\0b", "a b", "é"])
async def test_no_owner_or_repository_name_leaves_the_directory(workspace: GitWorkspace, owner: str) -> None:
    with pytest.raises(WorkspaceError, match="cannot be used as a directory name"):
        await workspace.fetch(Repo(owner=owner, name="infra", installation_id=1), "", [MAIN])
    with pytest.raises(WorkspaceError, match="cannot be used as a directory name"):
        await workspace.fetch(Repo(owner="acme", name=owner, installation_id=1), "", [MAIN])


async def test_missing_ref_is_asked_for_few_times_and_then_named(
    workspace: GitWorkspace, origin: Origin, pauses: Pauses
) -> None:
    await origin.commit({"a.tf": "one\n"})

    with pytest.raises(WorkspaceError, match=r"fetching acme/infra: .*refs/heads/none"):
        await workspace.fetch(REPO, "", ["refs/heads/none"])

    assert pauses.taken == [1.0, 2.0, 4.0]


async def test_a_harmful_tree_does_not_enter_the_mirror(workspace: GitWorkspace, origin: Origin) -> None:
    commit = await origin.commit({".git/hooks/post-checkout": "#!/bin/sh\n"})

    with pytest.raises(WorkspaceError, match="fetching acme/infra"):
        await workspace.fetch(REPO, "", [MAIN])

    with pytest.raises(WorkspaceError):
        await workspace.tree_files(REPO, commit)


async def test_file_origins_are_refused_unless_allowed(
    tmp_path: Path, data_dir: Path, origin: Origin, pauses: Pauses
) -> None:
    await origin.commit({"a.tf": "one\n"})
    strict = GitWorkspace(
        data_dir=data_dir, github_url=f"file://{tmp_path}/origin", clock=HandClock(), sleep=pauses
    )

    with pytest.raises(WorkspaceError, match="'file' not allowed"):
        await strict.fetch(REPO, "", [MAIN])

    assert pauses.taken == []


async def test_the_token_reaches_the_origin_and_nothing_else(
    tmp_path: Path, data_dir: Path, origin: Origin, pauses: Pauses
) -> None:
    commit = await origin.commit({"a.tf": "one\n"})

    async with serve(tmp_path / "origin", TOKEN) as http:
        await over_http(http, data_dir, pauses).fetch(REPO, TOKEN, [MAIN, commit])

    assert len(http.requests) >= 2
    assert not http.seen_in_arguments
    assert files_with(b"ghs_1234", data_dir) + files_with(b"Basic", data_dir) == []


async def test_a_refused_token_is_not_tried_again_and_not_told(
    tmp_path: Path, data_dir: Path, origin: Origin, pauses: Pauses
) -> None:
    await origin.commit({"a.tf": "one\n"})

    async with serve(tmp_path / "origin", "another") as http:
        with pytest.raises(WorkspaceError) as raised:
            await over_http(http, data_dir, pauses).fetch(REPO, TOKEN, [MAIN])

    assert pauses.taken == []
    assert "ghs_1234" not in repr(raised.value) + raised.exconly()


@pytest.mark.parametrize("status", [502, 503, 429])
async def test_a_temporary_failure_of_the_origin_is_retried(
    tmp_path: Path, data_dir: Path, origin: Origin, pauses: Pauses, status: int
) -> None:
    commit = await origin.commit({"a.tf": "one\n"})

    async with serve(tmp_path / "origin", TOKEN) as http:
        http.statuses = [status, status]
        workspace = over_http(http, data_dir, pauses)
        await workspace.fetch(REPO, TOKEN, [MAIN])

    assert pauses.taken == [1.0, 2.0]
    assert await workspace.read_file(REPO, commit, "a.tf") == "one\n"


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_not_followed_with_the_token(
    tmp_path: Path, data_dir: Path, origin: Origin, pauses: Pauses, status: int
) -> None:
    await origin.commit({"a.tf": "one\n"})

    async with serve(tmp_path / "origin", TOKEN) as http:
        http.statuses = [status]
        with pytest.raises(WorkspaceError, match=str(status)):
            await over_http(http, data_dir, pauses).fetch(REPO, TOKEN, [MAIN])

    assert len(http.requests) == 1


async def test_an_origin_that_is_down_is_reported_after_bounded_retries(
    data_dir: Path, pauses: Pauses
) -> None:
    workspace = GitWorkspace(
        data_dir=data_dir, github_url="http://127.0.0.1:9", clock=HandClock(), sleep=pauses
    )

    with pytest.raises(WorkspaceError, match="fetching acme/infra"):
        await workspace.fetch(REPO, TOKEN, [MAIN])

    assert len(pauses.taken) == 3


async def test_a_token_that_would_forge_a_header_is_refused(workspace: GitWorkspace) -> None:
    with pytest.raises(WorkspaceError, match="characters that no token has"):
        await workspace.fetch(REPO, "abc\nX-Evil: 1", [MAIN])
