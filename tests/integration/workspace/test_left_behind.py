"""What code has done to the reviewed tree while it ran: a change is found, and what it added goes to its own apply."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.adapters.workspace import GitWorkspace, left_behind
from bot.domain.core.errors import TreeChangedError, WorkspaceError
from bot.ports import OVERRIDE_FILE, GitTree, LaidOut, Slot, SourceBundle
from tests.integration.workspace.origin import REPO, STACK, Content, Link, Origin, Program

LOCK_FILE = "terraform/.terraform.lock.hcl"
FILES: dict[str, Content] = {
    "terraform/main.tf": "reviewed\n",
    "terraform/deploy.sh": Program(text="#!/bin/sh\necho reviewed\n"),
    "terraform/link": Link(target="main.tf"),
    "terraform/top": Link(target=".."),
    "docs/page": "page\n",
}


@pytest.fixture
async def slot(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


@pytest.fixture
async def other(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


@pytest.fixture
async def reviewed(workspace: GitWorkspace, origin: Origin) -> GitTree:
    commit = await origin.commit(FILES)
    await workspace.fetch(REPO, "", [commit])
    return GitTree(repo=REPO, tree=commit)


@pytest.fixture(params=["from git", "from a bundle"])
async def laid(
    workspace: GitWorkspace, slot: Slot, reviewed: GitTree, request: pytest.FixtureRequest
) -> LaidOut:
    """Return what was laid out in the slot, once from git's objects and once from a stored bundle."""
    if request.param == "from git":
        return await workspace.lay_out(slot, reviewed)
    return await workspace.lay_out(slot, SourceBundle(data=await workspace.pack(reviewed, extra={})))


def rewrite_with_size_and_time_kept(terraform: Path) -> None:
    deploy = terraform / "deploy.sh"
    before = deploy.stat()
    deploy.write_text("#!/bin/sh\necho poisoned\n")
    os.utime(deploy, ns=(before.st_atime_ns, before.st_mtime_ns))


def append(terraform: Path) -> None:
    with (terraform / "deploy.sh").open("a") as file:
        file.write("echo more\n")


def make_a_giant(terraform: Path) -> None:
    with (terraform / "deploy.sh").open("r+b") as file:
        file.truncate(1 << 40)


def delete(terraform: Path) -> None:
    (terraform / "deploy.sh").unlink()


def rename(terraform: Path) -> None:
    (terraform / "deploy.sh").rename(terraform / "moved.sh")


def replace_by_a_link_to_the_same(terraform: Path) -> None:
    (terraform / "deploy.sh").rename(terraform / "moved.sh")
    (terraform / "deploy.sh").symlink_to("moved.sh")


def replace_by_a_directory(terraform: Path) -> None:
    (terraform / "deploy.sh").unlink()
    (terraform / "deploy.sh").mkdir()


def replace_by_a_pipe(terraform: Path) -> None:
    (terraform / "deploy.sh").unlink()
    os.mkfifo(terraform / "deploy.sh")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "spoil",
    [
        rewrite_with_size_and_time_kept,
        append,
        make_a_giant,
        delete,
        rename,
        replace_by_a_link_to_the_same,
        replace_by_a_directory,
        replace_by_a_pipe,
    ],
)
async def test_a_changed_file_is_found_by_its_name(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, spoil: Callable[[Path], None]
) -> None:
    spoil(slot.tree / "terraform")

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert refused.value.problems == ("terraform/deploy.sh: its content was changed while Terraform ran.",)


def point_elsewhere(link: Path) -> None:
    link.unlink()
    link.symlink_to("deploy.sh")


def become_what_it_pointed_to(link: Path) -> None:
    link.unlink()
    link.write_text("reviewed\n")


def become_a_file_that_says_where(link: Path) -> None:
    link.unlink()
    link.write_text("main.tf")


@pytest.mark.parametrize(
    "spoil", [point_elsewhere, become_what_it_pointed_to, become_a_file_that_says_where, Path.unlink]
)
async def test_a_changed_link_is_found_by_its_name(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, spoil: Callable[[Path], None]
) -> None:
    spoil(slot.tree / "terraform" / "link")

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert refused.value.problems == ("terraform/link: its content was changed while Terraform ran.",)


async def test_a_directory_behind_a_link_is_not_the_reviewed_one(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut
) -> None:
    (slot.tree / "docs").rename(slot.tree / "moved")
    (slot.tree / "docs").symlink_to("moved")

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert refused.value.problems == ("docs/page: its content was changed while Terraform ran.",)


async def test_a_tree_that_is_gone_is_a_clean_refusal(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut
) -> None:
    slot.tree.rename(slot.tree.with_name("away"))

    with pytest.raises(TreeChangedError, match="`tree` cannot be read"):
        await workspace.left_behind(slot, laid, ours={})


async def test_the_same_content_written_again_is_no_change(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut
) -> None:
    terraform = slot.tree / "terraform"
    (terraform / "main.tf").write_text("reviewed\n")
    (terraform / "new").write_text("#!/bin/sh\necho reviewed\n")
    (terraform / "new").rename(terraform / "deploy.sh")
    (terraform / "link").unlink()
    (terraform / "link").symlink_to("main.tf")
    os.utime(slot.tree / "docs/page", (1, 1))

    left = await workspace.left_behind(slot, laid, ours={})

    assert (left.added, left.bundle) == ((), None)


async def test_what_was_left_unproved_is_no_start_for_the_next(
    workspace: GitWorkspace, slot: Slot, reviewed: GitTree, laid: LaidOut
) -> None:
    rewrite_with_size_and_time_kept(slot.tree / "terraform")
    with pytest.raises(TreeChangedError):
        await workspace.left_behind(slot, laid, ours={})

    again = await workspace.lay_out(slot, reviewed)

    assert (slot.tree / "terraform/deploy.sh").read_text() == "#!/bin/sh\necho reviewed\n"
    assert (await workspace.left_behind(slot, again, ours={})).added == ()


REFUSED = [
    "terraform/more.tf",
    "terraform/MORE.TF",
    "terraform/more.tf.json",
    "terraform/more.tofu",
    "terraform/More.Tofu.Json",
    "terraform/x.auto.tfvars",
    "envs/PROD.TFVARS",
    "envs/prod.tfvars.json",
    "terraform/checks.tftest.hcl",
    "terraform/errored.tfstate",
    "terraform/main.tf.bak",
    "terraform/more.tf ",
    "modules.tf/readme",
    "terraform/.terraform/modules/modules.json",
    "terraform/.Terraform/environment",
    "terraform/sub/.terraform/x",
    "docs/.terraform.lock.hcl",
    "terraform/.terraformrc",
    ".git/config",
    "docs/.GIT/hooks/post-checkout",
    "docs/GIT~1/config",
    ".gitattributes",
    "terraform/.gitignore",
    ".gitmodules",
]


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("kind", ["file", "link"])
async def test_a_name_that_terraform_or_git_would_read_is_refused(
    workspace: GitWorkspace, slot: Slot, reviewed: GitTree, path: str, kind: str
) -> None:
    laid = await workspace.lay_out(slot, reviewed)
    added = slot.tree / path
    added.parent.mkdir(parents=True, exist_ok=True)
    if kind == "file":
        added.write_text("x")
    else:
        added.symlink_to(os.path.relpath(slot.tree / "docs/page", added.parent))

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith(f"{path}: the planned code created it;")


@pytest.mark.parametrize(
    ("at", "target"),
    [
        ("docs/out", "../../data"),
        ("docs/out", "/etc/passwd"),
        ("docs/out", "../terraform/top/../data"),
        ("docs/out", "../terraform/top/terraform/top/../data"),
    ],
    ids=["above", "absolute", "through a reviewed link", "through it twice"],
)
async def test_a_link_out_of_the_tree_is_refused(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, at: str, target: str
) -> None:
    (slot.tree / at).symlink_to(target)

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert refused.value.problems == (f"{at}: the symbolic link points outside of the directory.",)


async def test_a_chain_of_added_links_does_not_lead_out(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut
) -> None:
    (slot.tree / "docs" / "a").symlink_to("b/../..")
    (slot.tree / "docs" / "b").symlink_to("../terraform/top")

    with pytest.raises(TreeChangedError, match="docs/a: the symbolic link points outside"):
        await workspace.left_behind(slot, laid, ours={})


async def test_added_files_arrive_in_another_slot_as_they_are(
    workspace: GitWorkspace, slot: Slot, other: Slot, reviewed: GitTree, laid: LaidOut
) -> None:
    # Given code that leaves a package, a program and links, and things that are no files,
    builds = slot.tree / "builds"
    builds.mkdir(mode=0o755)
    (builds / "x.zip").write_bytes(b"PK\0\xff")
    (builds / "x.zip").chmod(0o640)
    (builds / "run").write_text("#!/bin/sh\n")
    (builds / "run").chmod(0o4755)
    (builds / "latest").symlink_to("x.zip")
    (builds / "top").symlink_to("../terraform/top/docs")
    (slot.tree / "terraform" / "é\n").write_text("beside the module")
    (builds / "empty").mkdir()
    os.mkfifo(builds / "pipe")
    here = os.open(builds, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)

    # when they are taken, and added to the tree where the apply is,
    left = await workspace.left_behind(slot, laid, ours={})
    await workspace.lay_out(other, reviewed)
    assert left.bundle is not None
    await workspace.add(other, left.bundle)

    # then they are there, beside the reviewed tree.
    assert left.added == (
        "builds/latest",
        "builds/run",
        "builds/top",
        "builds/x.zip",
        r"terraform/é\u000a",
    )
    arrived = other.tree / "builds"
    assert sorted(path.name for path in arrived.iterdir()) == ["latest", "run", "top", "x.zip"]
    assert (arrived / "x.zip").read_bytes() == b"PK\0\xff"
    assert [stat.S_IMODE((arrived / name).stat().st_mode) for name in ("x.zip", "run")] == [0o640, 0o755]
    assert arrived.joinpath("latest").readlink() == Path("x.zip")
    assert (other.tree / "terraform" / "é\n").read_text() == "beside the module"
    assert (other.tree / "terraform/main.tf").read_text() == "reviewed\n"


async def test_names_that_are_no_text_are_carried_and_told(
    workspace: GitWorkspace, slot: Slot, other: Slot, laid: LaidOut
) -> None:
    name = os.fsdecode(b"name\xe9")
    (slot.tree / name).write_text("x")

    left = await workspace.left_behind(slot, laid, ours={})

    assert left.added == (r"name\xe9",)
    assert left.bundle is not None
    await workspace.add(other, left.bundle)
    assert [path.name for path in other.tree.iterdir()] == [name]


async def test_equal_additions_give_equal_bundles(
    workspace: GitWorkspace, slot: Slot, other: Slot, reviewed: GitTree
) -> None:
    bundles = []
    for each in (slot, other):
        laid = await workspace.lay_out(each, reviewed)
        (each.tree / "x.zip").write_text("x")
        bundles.append((await workspace.left_behind(each, laid, ours={})).bundle)

    assert bundles[0] == bundles[1]


async def test_an_added_file_never_replaces_one_of_the_reviewed_tree(
    workspace: GitWorkspace, slot: Slot, other: Slot, reviewed: GitTree, laid: LaidOut
) -> None:
    (slot.tree / "x.zip").write_text("added")
    left = await workspace.left_behind(slot, laid, ours={})
    await workspace.lay_out(other, reviewed)
    (other.tree / "x.zip").write_text("there before")

    assert left.bundle is not None
    with pytest.raises(WorkspaceError, match=r"x\.zip is there already"):
        await workspace.add(other, left.bundle)

    assert (other.tree / "x.zip").read_text() == "there before"


async def test_nothing_is_added_through_a_link_that_leads_out(
    workspace: GitWorkspace, slot: Slot, other: Slot, laid: LaidOut
) -> None:
    (slot.tree / "builds").mkdir()
    (slot.tree / "builds" / "x.zip").write_text("added")
    left = await workspace.left_behind(slot, laid, ours={})
    (other.tree / "builds").symlink_to(other.data_dir)

    assert left.bundle is not None
    with pytest.raises(WorkspaceError, match="through a link"):
        await workspace.add(other, left.bundle)

    assert list(other.data_dir.iterdir()) == []


async def test_a_plan_leaves_a_bounded_number_of_files(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_behind, "MOST_ADDED", 2)
    for name in "ab":
        (slot.tree / name).touch()
    enough = await workspace.left_behind(slot, laid, ours={})
    (slot.tree / "c").touch()

    with pytest.raises(TreeChangedError, match="more than 2 files"):
        await workspace.left_behind(slot, laid, ours={})

    assert enough.added == ("a", "b")


async def test_a_plan_leaves_a_bounded_number_of_bytes(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_behind, "LARGEST_ADDED", 1 << 20)
    with (slot.tree / "a").open("wb") as half:
        half.truncate(1 << 19)
    with (slot.tree / "b").open("wb") as more:
        more.truncate((1 << 19) + 1)

    with pytest.raises(TreeChangedError, match="more than 1 MiB of files"):
        await workspace.left_behind(slot, laid, ours={})


OURS = {LOCK_FILE: "# locked\n", f"terraform/{OVERRIDE_FILE}": "terraform {}\n"}


@pytest.mark.parametrize("path", OURS)
async def test_our_own_files_are_neither_added_nor_refused(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, path: str
) -> None:
    (slot.tree / path).write_text(OURS[path])

    assert (await workspace.left_behind(slot, laid, ours=OURS)).added == ()
    # Where the text does not matter, any will do.
    (slot.tree / path).write_text("another")
    assert (await workspace.left_behind(slot, laid, ours=dict.fromkeys(OURS))).added == ()


def edit(file: Path) -> None:
    file.write_text(file.read_text().replace("e", "E"))


def lengthen(file: Path) -> None:
    file.write_text(file.read_text() + "# more\n")


def move_behind_a_link(file: Path) -> None:
    file.rename(file.with_name("moved"))
    file.symlink_to("moved")


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", OURS)
@pytest.mark.parametrize("spoil", [edit, lengthen, move_behind_a_link, pipe])
async def test_our_own_files_pass_with_their_own_text_alone(
    workspace: GitWorkspace, slot: Slot, laid: LaidOut, path: str, spoil: Callable[[Path], None]
) -> None:
    (slot.tree / path).write_text(OURS[path])
    spoil(slot.tree / path)

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours=OURS)

    assert refused.value.problems == (f"{path}: its content was changed while Terraform ran.",)


async def test_only_so_many_paths_are_named(workspace: GitWorkspace, slot: Slot, origin: Origin) -> None:
    many: dict[str, Content] = {f"{number:02d}": "x" for number in range(30)}
    commit = await origin.commit(many)
    await workspace.fetch(REPO, "", [commit])
    laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))
    for path in many:
        (slot.tree / path).write_text("y")

    with pytest.raises(TreeChangedError) as refused:
        await workspace.left_behind(slot, laid, ours={})

    assert [problem.partition(":")[0] for problem in refused.value.problems] == sorted(many)[:20]
