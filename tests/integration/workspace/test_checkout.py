from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.workspace import GitWorkspace
from bot.domain.core.errors import UnsafeTreeError
from bot.ports import GitTree, Slot, SourceBundle
from tests.integration.workspace.origin import REPO, STACK, Content, Link, Origin, Program, Submodule, git

MAIN = "refs/heads/main"
FILES: dict[str, Content] = {
    "terraform/main.tf": "resource {}\n",
    "terraform/modules/a/main.tf": "module a\n",
    "envs/staging.tfvars": "a = 1\n",
    "scripts/run": Program(text="#!/bin/sh\n"),
    "link": Link(target="terraform/main.tf"),
}


@pytest.fixture
async def slot(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


async def fetched(workspace: GitWorkspace, origin: Origin, files: dict[str, Content]) -> str:
    commit = await origin.commit(files)
    await workspace.fetch(REPO, "", [MAIN])
    return commit


def found(tree: Path) -> dict[str, str]:
    """Every file of a directory with its text, links as `-> target`."""
    return {
        str(path.relative_to(tree)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(tree.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def expected(files: dict[str, Content]) -> dict[str, str]:
    def text(content: Content) -> str:
        match content:
            case Link():
                return f"-> {content.target}"
            case Program():
                return content.text
            case str():
                return content
            case _:
                raise AssertionError(content)

    return {path: text(content) for path, content in sorted(files.items())}


async def test_a_tree_is_written_exactly_where_nobody_else_looks(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    commit = await fetched(workspace, origin, FILES)

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert found(slot.tree) == expected(FILES)
    assert stat.S_IMODE(slot.tree.stat().st_mode) == 0o700


async def modes_after(way: str, workspace: GitWorkspace, slot: Slot, commit: GitTree) -> dict[str, int]:
    laid = await workspace.lay_out(slot, commit)
    if way == "git again":
        await workspace.left_behind(slot, laid, ours={})
        await workspace.lay_out(slot, commit)
    elif way == "a bundle":
        await workspace.lay_out(slot, SourceBundle(data=await workspace.pack(commit, extra={})))
    return {
        path: stat.S_IMODE((slot.tree / path).stat().st_mode)
        for path in ("terraform", "terraform/modules/a", "terraform/main.tf", "scripts", "scripts/run")
    }


@pytest.mark.parametrize("way", ["git", "git again", "a bundle"])
async def test_permissions_are_those_of_an_ordinary_checkout(
    workspace: GitWorkspace, origin: Origin, slot: Slot, way: str
) -> None:
    # Given a commit,
    commit = GitTree(repo=REPO, tree=await fetched(workspace, origin, FILES))
    # when it is laid out for a plan or for an apply,
    modes = await modes_after(way, workspace, slot, commit)
    # then what is packed from its files has the same content either way, and others can read it where it is used.
    assert modes == {
        "terraform": 0o755,
        "terraform/modules/a": 0o755,
        "terraform/main.tf": 0o644,
        "scripts": 0o755,
        "scripts/run": 0o755,
    }


async def test_only_changed_files_are_written_into_a_proved_tree(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    first = await fetched(workspace, origin, FILES)
    laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=first))
    await workspace.left_behind(slot, laid, ours={})
    untouched = (slot.tree / "terraform/main.tf").stat()
    changed: dict[str, Content] = FILES | {"envs/staging.tfvars": "a = 2\n", "new/file": "new\n"}
    del changed["terraform/modules/a/main.tf"]
    second = await fetched(workspace, origin, changed)

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=second))

    assert found(slot.tree) == expected(changed)
    again = (slot.tree / "terraform/main.tf").stat()
    assert (again.st_ino, again.st_ctime_ns) == (untouched.st_ino, untouched.st_ctime_ns)
    assert not (slot.tree / "terraform/modules").exists()


async def test_a_tree_that_was_not_proved_is_written_from_nothing(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    commit = GitTree(repo=REPO, tree=await fetched(workspace, origin, FILES))
    await workspace.lay_out(slot, commit)
    before = (slot.tree / "terraform/main.tf").stat()

    await workspace.lay_out(slot, commit)

    assert found(slot.tree) == expected(FILES)
    assert (slot.tree / "terraform/main.tf").stat().st_ctime_ns != before.st_ctime_ns


async def test_one_proof_counts_for_one_start(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    commit = GitTree(repo=REPO, tree=await fetched(workspace, origin, FILES))
    laid = await workspace.lay_out(slot, commit)
    await workspace.left_behind(slot, laid, ours={})
    await workspace.lay_out(slot, commit)
    before = (slot.tree / "terraform/main.tf").stat()

    await workspace.lay_out(slot, commit)

    assert (slot.tree / "terraform/main.tf").stat().st_ctime_ns != before.st_ctime_ns


async def test_a_slot_holds_the_chosen_paths_and_nothing_else(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    commit = await fetched(workspace, origin, FILES)
    chosen = frozenset({"terraform/main.tf", "scripts/run"})
    laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))
    await workspace.left_behind(slot, laid, ours={})

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit, paths=chosen))

    assert found(slot.tree) == {path: text for path, text in expected(FILES).items() if path in chosen}
    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))
    assert found(slot.tree) == expected(FILES)


def _edit_keeping_time(tree: Path) -> None:
    file = tree / "envs/staging.tfvars"
    before = file.stat()
    file.write_text("a = 9\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _plant_repository(tree: Path) -> None:
    (tree / ".git").write_text("gitdir: /tmp/evil\n")
    (tree / "terraform/nested/.git/hooks").mkdir(parents=True)
    (tree / "terraform/nested/.git/HEAD").write_text("ref: refs/heads/main\n")
    (tree / ".gitattributes").write_text("* filter=evil\n")


def _swap_directory_for_link(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "main.tf").write_text("untouched\n")
    (tree / "terraform/modules/a/main.tf").unlink()
    (tree / "terraform/modules/a").rmdir()
    (tree / "terraform/modules/a").symlink_to(outside)


def _swap_file_for_link(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "main.tf").write_text("untouched\n")
    (tree / "terraform/main.tf").unlink()
    (tree / "terraform/main.tf").symlink_to(outside / "main.tf")


def _swap_kinds(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").mkdir()
    (tree / "link/inside").write_text("x")
    (tree / "terraform/main.tf").unlink()
    os.mkfifo(tree / "terraform/main.tf")
    (tree / "scripts/run").unlink()
    (tree / "scripts").rmdir()
    (tree / "scripts").write_text("a file now")


def _dig_deep(tree: Path) -> None:
    place = os.open(tree, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("deep", dir_fd=place)
        below = os.open("deep", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)


def _change_modes(tree: Path) -> None:
    (tree / "terraform/main.tf").chmod(0o4777)
    (tree / "scripts/run").chmod(0o600)
    (tree / "terraform/modules").chmod(0)


def _replace_tree(tree: Path) -> None:
    tree.rename(tree.with_name("stolen"))
    tree.symlink_to("stolen")


def _remove_all(tree: Path) -> None:
    tree.rename(tree.with_name("stolen"))


@pytest.mark.parametrize(
    "spoil",
    [
        _edit_keeping_time,
        _plant_repository,
        _swap_directory_for_link,
        _swap_file_for_link,
        _swap_kinds,
        _dig_deep,
        _change_modes,
        _replace_tree,
        _remove_all,
    ],
)
@pytest.mark.parametrize("proved", [True, False], ids=["proved before", "not proved"])
async def test_whatever_a_program_did_to_the_tree_is_undone(
    workspace: GitWorkspace, origin: Origin, slot: Slot, spoil: object, *, proved: bool
) -> None:
    assert callable(spoil)
    commit = await fetched(workspace, origin, FILES)
    laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))
    if proved:
        await workspace.left_behind(slot, laid, ours={})
    spoil(slot.tree)

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert not slot.tree.is_symlink()
    assert found(slot.tree) == expected(FILES)
    assert stat.S_IMODE((slot.tree / "terraform/main.tf").stat().st_mode) == 0o644
    assert stat.S_IMODE((slot.tree / "scripts/run").stat().st_mode) == 0o755
    outside = slot.tree.parent / "outside"
    assert not outside.exists() or (outside / "main.tf").read_text() == "untouched\n"


@pytest.mark.parametrize("proved", [True, False], ids=["proved before", "not proved"])
async def test_a_killed_checkout_is_finished_by_the_next_one(
    workspace: GitWorkspace, origin: Origin, slot: Slot, *, proved: bool
) -> None:
    commit = await fetched(workspace, origin, FILES)
    laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))
    if proved:
        await workspace.left_behind(slot, laid, ours={})
    (slot.tree.parent / "index.lock").touch()
    (slot.tree.parent / "index").write_bytes(b"DIRC half an index")
    (slot.tree / "envs/staging.tfvars").write_text("half")

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert found(slot.tree) == expected(FILES)


async def test_attributes_of_the_repository_do_not_change_its_files(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    files: dict[str, Content] = {
        ".gitattributes": "*.tf text eol=crlf ident working-tree-encoding=UTF-16 filter=lfs\n",
        "main.tf": "# $Id$\nresource {}\n",
    }
    commit = await fetched(workspace, origin, files)

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert (slot.tree / "main.tf").read_bytes() == b"# $Id$\nresource {}\n"


async def test_a_merge_result_can_be_checked_out(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    fork_point = await origin.commit({"a": "1\n", "b": "1\n"})
    base = await origin.commit({"a": "2\n", "b": "1\n"}, parents=(fork_point,))
    head = await origin.commit({"a": "1\n", "b": "2\n"}, ref="refs/pull/1/head", parents=(fork_point,))
    await workspace.fetch(REPO, "", [base, head])
    merge = await workspace.merge(REPO, base=base, head=head)

    await workspace.lay_out(slot, GitTree(repo=REPO, tree=merge.tree))

    assert found(slot.tree) == {"a": "2\n", "b": "2\n"}


async def test_submodules_stay_empty(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    commit = await fetched(workspace, origin, {"main.tf": "x\n", "vendor/sub": Submodule()})

    for _ in range(2):
        laid = await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

        assert found(slot.tree) == {"main.tf": "x\n"}
        assert list(laid.files) == ["main.tf"]
        await workspace.left_behind(slot, laid, ours={})


UNSAFE: dict[str, tuple[str, Content]] = {
    "a link to an absolute path": ("a/link", Link(target="/etc/passwd")),
    "a link above the root": ("a/link", Link(target="../../secret")),
    "a link through another link": ("a/b/up", Link(target="../..")),
    "working data": ("terraform/.terraform/terraform.tfstate", "{}"),
    "working data in another case": ("terraform/.TERRAFORM/x", "{}"),
    "a link as working data": ("terraform/.terraform", Link(target="other")),
    "an override with a backend": ("terraform/zz_override.tf", 'terraform {\n  backend "s3" {}\n}\n'),
    "an override in JSON": ("terraform/override.tf.json", '{"terraform": {"backend": {"s3": {}}}}'),
    "an override that is a link": ("terraform/zz_override.tf", Link(target="main.tf")),
    "the injected name": ("terraform/zzzz_gatewright_backend_override.tf", ""),
    "an errored state": ("terraform/errored.tfstate", "{}"),
    "a directory called like one": ("terraform/errored.tfstate/x", "{}"),
}


@pytest.mark.parametrize("case", UNSAFE, ids=list(UNSAFE))
async def test_an_unsafe_tree_is_refused_before_anything_is_written(
    workspace: GitWorkspace, origin: Origin, slot: Slot, case: str
) -> None:
    path, content = UNSAFE[case]
    files: dict[str, Content] = {"terraform/main.tf": "x\n", path: content}
    if case == "a link through another link":
        files["c"] = Link(target="a/b/up/../outside")
        path = "c"
    commit = await fetched(workspace, origin, files)

    with pytest.raises(UnsafeTreeError) as raised:
        await workspace.lay_out(slot, GitTree(repo=REPO, tree=commit))

    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(f"{path}: ")
    assert found(slot.tree) == {}


async def test_a_tree_with_git_names_in_the_mirror_is_refused(
    workspace: GitWorkspace, origin: Origin, slot: Slot, data_dir: Path
) -> None:
    await fetched(workspace, origin, {"main.tf": "x\n"})
    mirror = data_dir / "mirrors" / "acme" / "infra.git"
    blob = await git("hash-object", "-w", "--stdin", cwd=mirror, stdin=b"x")
    refused = []
    for name in (".git", ".GIT", "git~1", ".git ", ".g\u200cit"):
        tree = await git("mktree", cwd=mirror, stdin=f"100644 blob {blob}\t{name}\n".encode())
        with pytest.raises(UnsafeTreeError):
            await workspace.lay_out(slot, GitTree(repo=REPO, tree=tree))
        refused.append(name)

    assert len(refused) == 5
    assert found(slot.tree) == {}


async def test_checkouts_of_two_slots_run_side_by_side(workspace: GitWorkspace, origin: Origin) -> None:
    one = await fetched(workspace, origin, {"a": "1\n"})
    two = await fetched(workspace, origin, {"a": "2\n"})

    async with workspace.slot(STACK) as first, workspace.slot(STACK) as second:
        await asyncio.gather(
            workspace.lay_out(first, GitTree(repo=REPO, tree=one)),
            workspace.lay_out(second, GitTree(repo=REPO, tree=two)),
        )

        assert (found(first.tree), found(second.tree)) == ({"a": "1\n"}, {"a": "2\n"})
