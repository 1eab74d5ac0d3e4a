"""git over HTTP with the real client."""

from pathlib import Path

import pytest

from bot.adapters.workspace.git import Git, GitError
from bot.adapters.workspace.revert_branches import BranchPusher
from bot.domain.core.model import Repo, Sha
from bot.playground.github.errors import ApiError
from tests.integration.standin.shell import Shell

from .conftest import REPO, World


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    root = tmp_path / "shell"
    root.mkdir()
    return Shell(world, root)


async def test_the_bots_token_fetches_any_commit_it_knows(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    old = pull.head_sha
    await world.github.push(REPO, "f", {"a": "2\n"}, author="dev")
    origin = shell.origin("x-access-token", await world.token(permissions={"contents": "read"}))

    await shell.good("init", "--quiet", "--bare", "mirror")
    mirror = shell.root / "mirror"
    await shell.good("fetch", "--quiet", origin, f"refs/pull/{pull.number}/head:refs/heads/x", cwd=mirror)
    await shell.good("fetch", "--quiet", origin, old, cwd=mirror)

    assert await shell.good("rev-parse", "refs/heads/x", cwd=mirror) == pull.head_sha
    assert await shell.good("cat-file", "-t", old, cwd=mirror) == "commit"


@pytest.mark.parametrize(
    ("login", "words"),
    [("outsider", "not found"), (None, "could not read")],
    ids=["a stranger", "nobody"],
)
async def test_a_private_repository_is_not_cloned_by(
    world: World, shell: Shell, login: str | None, words: str
) -> None:
    origin = f"{world.github.url}/{REPO}.git"
    if login is not None:
        origin = shell.origin(login, world.github.user_token(login))

    code, output = await shell.run("clone", "--quiet", origin, "work")

    assert code != 0
    assert words in output


async def test_who_may_only_read_cannot_push(world: World, shell: Shell) -> None:
    for origin in (
        shell.origin("reader", world.github.user_token("reader")),
        shell.origin("x-access-token", await world.token(permissions={"contents": "read"})),
    ):
        await shell.good("clone", "--quiet", origin, "work")
        work = shell.root / "work"
        await shell.good("checkout", "--quiet", "-b", "mine", cwd=work)

        code, output = await shell.run("push", "--quiet", "origin", "mine", cwd=work)

        assert code != 0
        assert "403" in output
        await shell.good("-c", "core.fsmonitor=false", "clean", "-fdxq", cwd=work)
        work.rename(shell.root / f"done-{output.count('x')}-{id(origin)}")


async def test_a_push_that_is_compressed_and_large_arrives(world: World, shell: Shell) -> None:
    origin = shell.origin("dev", world.github.user_token("dev"))
    await shell.good("clone", "--quiet", origin, "work")
    work = shell.root / "work"
    (work / "large.txt").write_text("".join(f"{number * 7919}\n" for number in range(400_000)))
    await shell.good("add", "--all", cwd=work)
    await shell.good("commit", "--quiet", "--message", "Large", cwd=work)

    await shell.good("push", "--quiet", "origin", "main", cwd=work)

    assert await world.github.head(REPO, "main") == await shell.good("rev-parse", "HEAD", cwd=work)


async def test_pull_refs_are_githubs_own(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    origin = shell.origin("admin", world.github.user_token("admin"))
    await shell.good("clone", "--quiet", origin, "work")
    work = shell.root / "work"

    code, _ = await shell.run("push", "--quiet", "origin", f"+HEAD:refs/pull/{pull.number}/head", cwd=work)

    assert code != 0
    listed = await shell.good("ls-remote", "origin", f"refs/pull/{pull.number}/*", cwd=work)
    assert f"{pull.head_sha}\trefs/pull/{pull.number}/head" in listed
    assert f"refs/pull/{pull.number}/merge" in listed


async def test_a_forks_pull_request_is_fetched_from_the_base(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="reader", branch="f", files={"a": "1\n"}, fork="reader")
    origin = shell.origin("x-access-token", await world.token())

    listed = await shell.good("ls-remote", origin, f"refs/pull/{pull.number}/head")

    assert listed.startswith(pull.head_sha)
    await world.github.settled()
    head = world.receiver.last("pull_request.opened").body["pull_request"]["head"]
    assert (head["repo"]["full_name"], head["repo"]["fork"], head["label"]) == (
        "reader/infra",
        True,
        "reader:f",
    )
    moved = await world.github.push("reader/infra", "f", {"a": "2\n"}, author="reader")
    await world.github.settled()
    assert pull.head_sha == moved
    assert (await shell.good("ls-remote", origin, f"refs/pull/{pull.number}/head")).startswith(moved)


async def test_commits_that_reach_the_base_merge_their_pull_request(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    origin = shell.origin("admin", world.github.user_token("admin"))
    await shell.good("clone", "--quiet", origin, "work")
    work = shell.root / "work"
    await shell.good("merge", "--quiet", "--no-ff", "-m", "By hand", "origin/f", cwd=work)

    await shell.good("push", "--quiet", "origin", "main", cwd=work)
    await world.github.settled()

    assert (pull.merged, pull.state, pull.merged_by) == (True, "closed", "admin")
    assert world.receiver.last("pull_request.closed").body["pull_request"]["merged"] is True


async def test_deleting_the_head_branch_closes_the_pull_request(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    origin = shell.origin("dev", world.github.user_token("dev"))

    await shell.good("init", "--quiet", "work")
    await shell.good("push", "--quiet", origin, ":refs/heads/f", cwd=shell.root / "work")

    assert (pull.merged, pull.state) == (False, "closed")


async def test_a_force_push_is_told_as_forced(world: World, shell: Shell) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    origin = shell.origin("dev", world.github.user_token("dev"))
    await shell.good("clone", "--quiet", "--branch", "f", origin, "work")
    work = shell.root / "work"
    await shell.good("commit", "--quiet", "--amend", "--message", "Again", cwd=work)

    await shell.good("push", "--quiet", "--force", "origin", "f", cwd=work)
    await world.github.settled()

    assert world.receiver.last("push").body["forced"] is True
    assert pull.head_sha == await shell.good("rev-parse", "HEAD", cwd=work)


async def test_an_app_cannot_push_workflows_without_their_permission(world: World, shell: Shell) -> None:
    origin = shell.origin("x-access-token", await world.token(permissions={"contents": "write"}))
    await shell.good("clone", "--quiet", origin, "work")
    work = shell.root / "work"
    (work / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
    (work / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    await shell.good("add", "--all", cwd=work)
    await shell.good("commit", "--quiet", "--message", "Check", cwd=work)
    before = await world.github.head(REPO, "main")

    code, output = await shell.run("push", "--quiet", "origin", "HEAD:mine", "HEAD:main", cwd=work)

    assert code != 0
    assert (
        "(refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without"
        " `workflows` permission)"
    ) in output
    assert await world.github.head(REPO, "main") == before
    with pytest.raises(ApiError):
        await world.github.head(REPO, "mine")


async def test_an_app_pushes_other_files_beside_workflows(world: World, shell: Shell) -> None:
    await world.github.push(REPO, "main", {".github/workflows/ci.yml": "on: push\n"}, author="admin")
    origin = shell.origin("x-access-token", await world.token(permissions={"contents": "write"}))
    await shell.good("clone", "--quiet", origin, "work")
    work = shell.root / "work"
    (work / "notes.md").write_text("new\n")
    await shell.good("add", "--all", cwd=work)
    await shell.good("commit", "--quiet", "--message", "Note", cwd=work)

    await shell.good("push", "--quiet", "origin", "HEAD:mine", cwd=work)

    assert await world.github.head(REPO, "mine") == await shell.good("rev-parse", "HEAD", cwd=work)


async def test_the_product_says_why_a_push_was_refused(world: World, shell: Shell, tmp_path: Path) -> None:
    token = await world.token(permissions={"contents": "write"})
    await shell.good("clone", "--quiet", shell.origin("x-access-token", token), "work")
    work = shell.root / "work"
    (work / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
    (work / ".github" / "workflows" / "ci.yml").write_text("on: push\n")
    await shell.good("add", "--all", cwd=work)
    await shell.good("commit", "--quiet", "--message", "Check", cwd=work)
    commit = Sha(await shell.good("rev-parse", "HEAD", cwd=work))
    pusher = BranchPusher(git=Git(home=tmp_path), mirror=work / ".git", origin=world.github.url)

    with pytest.raises(GitError) as caught:
        await pusher.push(
            Repo(owner="acme", name="infra", installation_id=1), token, "gatewright/revert-x", commit
        )

    assert str(caught.value) == (
        "pushing gatewright/revert-x to acme/infra: refusing to allow a GitHub App to create or update workflow"
        " `.github/workflows/ci.yml` without `workflows` permission"
    )
