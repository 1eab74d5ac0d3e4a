from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.workspace import GitWorkspace, bundle
from bot.domain.core.errors import UnsafeTreeError, WorkspaceError
from bot.domain.core.model import EnvName
from bot.ports import OVERRIDE_FILE, GitTree, Slot, SourceBundle
from tests.integration.workspace.origin import REPO, STACK, Content, Link, Origin, Program, Submodule

FILES: dict[str, Content] = {
    "main.tf": "x\n",
    "deep/in/der é.txt": "deep\n",
    "run": Program(text="#!/bin/sh\n"),
    "l": Link(target="main.tf"),
}


@pytest.fixture
async def slot(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


@pytest.fixture
async def other(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


async def reviewed(workspace: GitWorkspace, origin: Origin, files: dict[str, Content]) -> GitTree:
    commit = await origin.commit(files)
    await workspace.fetch(REPO, "", [commit])
    return GitTree(repo=REPO, tree=commit)


def look(tree: Path) -> dict[str, tuple[str, bool]]:
    """Everything that a bundle must restore: kind, content, and whether it may be executed."""
    seen: dict[str, tuple[str, bool]] = {}
    for path in tree.rglob("*"):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            seen[name] = (f"-> {path.readlink()}", False)
        elif path.is_dir():
            seen[name] = ("directory", True)
        else:
            seen[name] = (path.read_text(), bool(path.stat().st_mode & stat.S_IXUSR))
    return seen


async def test_a_bundle_restores_what_a_checkout_writes(
    workspace: GitWorkspace, origin: Origin, slot: Slot, other: Slot
) -> None:
    tree = await reviewed(workspace, origin, FILES)
    await workspace.lay_out(slot, tree)
    (other.tree / "stranger").mkdir()

    await workspace.lay_out(other, SourceBundle(data=await workspace.pack(tree, extra={})))

    assert look(other.tree) == look(slot.tree)
    assert look(other.tree)["run"] == ("#!/bin/sh\n", True)
    assert look(other.tree)["l"] == ("-> main.tf", False)


async def test_a_bundle_holds_nothing_of_any_directory(
    workspace: GitWorkspace, origin: Origin, slot: Slot, other: Slot
) -> None:
    tree = await reviewed(workspace, origin, FILES)
    before = await workspace.pack(tree, extra={})
    await workspace.lay_out(slot, tree)
    (slot.tree / "main.tf").write_text("rewritten by a program\n")
    (slot.tree / "added").write_text("x")
    (slot.data_dir / "modules").mkdir()
    (slot.data_dir / "modules" / "modules.json").write_text("{}")

    packed = await workspace.pack(tree, extra={})

    assert packed == before
    await workspace.lay_out(other, SourceBundle(data=packed))
    assert look(other.tree).keys() == {*FILES, "deep", "deep/in"}
    assert (other.tree / "main.tf").read_text() == "x\n"
    assert list(other.data_dir.iterdir()) == []


async def test_equal_trees_give_equal_bundles_in_every_mirror(
    workspace: GitWorkspace, origin: Origin
) -> None:
    one = await reviewed(workspace, origin, FILES)
    two = await reviewed(workspace, origin, dict(reversed(FILES.items())))

    assert await workspace.pack(one, extra={"a": "b"}) == await workspace.pack(two, extra={"a": "b"})


async def test_a_bundle_holds_the_chosen_paths_alone(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    whole = await reviewed(workspace, origin, FILES)
    tree = GitTree(repo=REPO, tree=whole.tree, paths=frozenset({"main.tf"}))

    await workspace.lay_out(slot, SourceBundle(data=await workspace.pack(tree, extra={})))

    assert look(slot.tree) == {"main.tf": ("x\n", False)}


async def test_submodules_are_no_part_of_a_bundle(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    tree = await reviewed(workspace, origin, {"main.tf": "x\n", "sub": Submodule()})

    await workspace.lay_out(slot, SourceBundle(data=await workspace.pack(tree, extra={})))

    assert look(slot.tree) == {"main.tf": ("x\n", False)}


async def test_what_init_wrote_joins_the_bundle_and_replaces_nothing(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    tree = await reviewed(workspace, origin, FILES)

    packed = await workspace.pack(tree, extra={"main.tf": "another", ".terraform.lock.hcl": "# locked\n"})

    await workspace.lay_out(slot, SourceBundle(data=packed))
    assert (slot.tree / ".terraform.lock.hcl").read_text() == "# locked\n"
    assert (slot.tree / "main.tf").read_text() == "x\n"


async def test_a_bundle_is_packed_again_as_it_is(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    packed = await workspace.pack(await reviewed(workspace, origin, FILES), extra={})
    stored = SourceBundle(data=packed)

    more = await workspace.pack(stored, extra={".terraform.lock.hcl": "# locked\n"})

    assert await workspace.pack(stored, extra={}) == packed
    await workspace.lay_out(slot, SourceBundle(data=more))
    assert look(slot.tree).keys() == {*FILES, "deep", "deep/in", ".terraform.lock.hcl"}


async def test_provider_binaries_are_left_alone(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    provider = slot.data_dir / "providers" / "example.com" / "provider"
    provider.parent.mkdir(parents=True)
    provider.write_text("ours")
    packed = await workspace.pack(
        await reviewed(workspace, origin, {"providers/file": "not a binary"}), extra={}
    )

    await workspace.lay_out(slot, SourceBundle(data=packed))

    assert provider.read_text() == "ours"
    assert (slot.tree / "providers" / "file").read_text() == "not a binary"


async def test_a_checkout_after_a_restore_is_exact_again(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    packed = await workspace.pack(await reviewed(workspace, origin, FILES), extra={})
    later = await reviewed(workspace, origin, {"main.tf": "y\n"})
    laid = await workspace.lay_out(slot, SourceBundle(data=packed))
    await workspace.left_behind(slot, laid, ours={})

    await workspace.lay_out(slot, later)

    assert look(slot.tree) == {"main.tf": ("y\n", False)}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../data", "sub/../../x"])
async def test_a_link_that_leads_out_is_not_packed(
    workspace: GitWorkspace, origin: Origin, target: str
) -> None:
    tree = await reviewed(workspace, origin, {"link": Link(target=target)})

    with pytest.raises(UnsafeTreeError, match="link: the symbolic link points outside"):
        await workspace.pack(tree, extra={})


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        for info, content in members:
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    info.mode = 0o7777
    return info


HOSTILE: dict[str, bytes] = {
    "absolute": archive((member("/evil"), b"x")),
    "above": archive((member("tree/../../evil"), b"x")),
    "another part": archive((member("scratch/evil"), b"x")),
    "the part itself": archive((member("tree"), b"x")),
    "a device": archive((member("tree/null", tarfile.CHRTYPE), b"")),
    "a pipe": archive((member("tree/pipe", tarfile.FIFOTYPE), b"")),
    "a hard link": archive((member("tree/a", tarfile.LNKTYPE, "/etc/passwd"), b"")),
    "a link out": archive((member("tree/a", tarfile.SYMTYPE, "../.."), b"")),
    "a write through a link": archive(
        (member("tree/a", tarfile.SYMTYPE, "../outside"), b""), (member("tree/a/evil"), b"x")
    ),
    "a link over a file": archive((member("tree/a"), b"x"), (member("tree/a", tarfile.SYMTYPE, "b"), b"")),
    "a file twice": archive((member("tree/a"), b"x"), (member("tree/a"), b"y")),
    "a file below a file": archive((member("tree/a"), b"x"), (member("tree/a/b"), b"y")),
    "nonsense": b"nonsense",
    "empty": b"",
    "cut short": archive((member("tree/a"), os.urandom(5000)))[:2000],
    "not a tar": gzip.compress(b"nonsense" * 100),
}


def strayed(tmp_path: Path, slot: Slot) -> list[Path]:
    below = [path for path in tmp_path.rglob("evil") if not path.is_relative_to(slot.tree)]
    return below + [path for path in [Path("/evil")] if path.exists()]


async def use(workspace: GitWorkspace, slot: Slot, data: bytes, *, way: str) -> None:
    """Take a bundle in one of the ways in which the bot does."""
    if way == "lay out":
        await workspace.lay_out(slot, SourceBundle(data=data))
    elif way == "add":
        await workspace.add(slot, data)
    else:
        # Packing writes nothing, so whatever it lets pass has to be refused by the next one.
        more = await workspace.pack(SourceBundle(data=data), extra={"more": "x"})
        await workspace.lay_out(slot, SourceBundle(data=more))


@pytest.mark.parametrize("case", HOSTILE, ids=list(HOSTILE))
@pytest.mark.parametrize("way", ["lay out", "add", "pack"])
async def test_a_hostile_or_damaged_bundle_is_refused_and_stays_inside(
    workspace: GitWorkspace, slot: Slot, tmp_path: Path, case: str, way: str
) -> None:
    with pytest.raises(WorkspaceError):
        await use(workspace, slot, HOSTILE[case], way=way)

    assert strayed(tmp_path, slot) == []


async def test_special_bits_are_not_restored(workspace: GitWorkspace, slot: Slot) -> None:
    await workspace.lay_out(slot, SourceBundle(data=archive((member("tree/a"), b"x"))))

    assert stat.S_IMODE((slot.tree / "a").stat().st_mode) == 0o777


async def test_a_tree_too_large_to_pack_is_refused(
    workspace: GitWorkspace, origin: Origin, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LARGEST_BUNDLE", 10)
    one_large = await reviewed(workspace, origin, {"large": "x" * 11})
    too_many = await reviewed(workspace, origin, {"one": "x" * 6, "two": "y" * 6})

    with pytest.raises(WorkspaceError, match="large cannot be packed: it is missing, or too large"):
        await workspace.pack(one_large, extra={})
    with pytest.raises(WorkspaceError, match="more than 10 bytes"):
        await workspace.pack(too_many, extra={})
    with pytest.raises(WorkspaceError, match="more than 10 bytes"):
        await workspace.lay_out(slot, SourceBundle(data=archive((member("tree/a"), b"x" * 11))))


async def test_slots_of_other_environments_can_be_restored_too(
    workspace: GitWorkspace, origin: Origin
) -> None:
    packed = await workspace.pack(await reviewed(workspace, origin, {"a": "x"}), extra={})
    prod = STACK.__class__(
        repo=STACK.repo,
        project=STACK.project,
        env=EnvName("prod"),
        state_key=STACK.state_key,
        directory=STACK.directory,
        var_file=None,
    )

    async with workspace.slot(prod, name="5") as target:
        await workspace.lay_out(target, SourceBundle(data=packed))

        assert (target.tree / "a").read_text() == "x"


async def test_bundles_of_earlier_versions_restore_the_tree_alone(
    workspace: GitWorkspace, slot: Slot
) -> None:
    # Given a bundle that was packed from a slot, with the data directory and the engine's own backend file,
    earlier = archive(
        (member("tree/terraform", tarfile.DIRTYPE), b""),
        (member("tree/terraform/main.tf"), b"x\n"),
        (member(f"tree/terraform/{OVERRIDE_FILE}"), b"terraform {}"),
        (member("data/terraform.tfstate"), b"another backend"),
        (member("data/modules/modules.json"), b"{}"),
    )
    (slot.tree / "later").write_text("x")

    # when it is restored,
    await workspace.lay_out(slot, SourceBundle(data=earlier))

    # then only the tree is there.
    assert set(look(slot.tree)) == {"terraform", "terraform/main.tf"}
    assert list(slot.data_dir.iterdir()) == []
