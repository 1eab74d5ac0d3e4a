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
from bot.domain.errors import UnsafeTreeError, WorkspaceError
from bot.domain.model import EnvName
from bot.ports import OVERRIDE_FILE, Slot
from tests.integration.workspace.origin import REPO, STACK, Link, Origin, Program


@pytest.fixture
async def slot(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


@pytest.fixture
async def other(workspace: GitWorkspace) -> AsyncIterator[Slot]:
    async with workspace.slot(STACK) as held:
        yield held


def look(slot: Slot) -> dict[str, tuple[str, int]]:
    """Everything a bundle must restore: kind, mode, content."""
    seen: dict[str, tuple[str, int]] = {}
    for part in (slot.tree, slot.data_dir):
        for path in part.rglob("*"):
            status = path.stat(follow_symlinks=False)
            name = f"{part.name}/{path.relative_to(part)}"
            if path.is_symlink():
                seen[name] = (f"-> {path.readlink()}", 0)
            elif path.is_dir():
                seen[name] = ("directory", stat.S_IMODE(status.st_mode))
            else:
                seen[name] = (path.read_text(), stat.S_IMODE(status.st_mode))
    return seen


async def work_as_terraform_does(workspace: GitWorkspace, origin: Origin, slot: Slot) -> None:
    commit = await origin.commit(
        {"main.tf": "x\n", "run": Program(text="#!/bin/sh\n"), "l": Link(target="main.tf")}
    )
    await workspace.fetch(REPO, "", [commit])
    await workspace.checkout(REPO, slot, commit)
    (slot.tree / "build").mkdir(mode=0o755)
    (slot.tree / "build" / "made in plan é").write_text("zip")
    (slot.tree / "build" / "made in plan é").chmod(0o640)
    (slot.tree / "empty").mkdir()
    (slot.data_dir / "modules").mkdir()
    (slot.data_dir / "modules" / "modules.json").write_text("{}")
    (slot.data_dir / "terraform.tfstate").write_text("{}")


async def test_a_bundle_restores_another_slot_exactly(
    workspace: GitWorkspace, origin: Origin, slot: Slot, other: Slot
) -> None:
    await work_as_terraform_does(workspace, origin, slot)
    (other.tree / "stranger").mkdir()
    (other.data_dir / "terraform.tfstate").write_text("another backend")

    await workspace.unpack(other, await workspace.pack(slot))

    assert look(other) == look(slot)
    assert look(other)["tree/run"] == ("#!/bin/sh\n", 0o700)
    assert look(other)["tree/l"] == ("-> main.tf", 0)


async def test_equal_slots_give_equal_bundles(
    workspace: GitWorkspace, origin: Origin, slot: Slot, other: Slot
) -> None:
    await work_as_terraform_does(workspace, origin, slot)
    first = await workspace.pack(slot)
    await workspace.unpack(other, first)
    os.utime(slot.tree / "main.tf", (1, 1))

    assert await workspace.pack(slot) == first
    assert await workspace.pack(other) == first


async def test_provider_binaries_are_left_out_and_left_alone(
    workspace: GitWorkspace, slot: Slot, other: Slot
) -> None:
    for held, text in ((slot, "theirs"), (other, "ours")):
        (held.data_dir / "providers" / "example.com").mkdir(parents=True)
        (held.data_dir / "providers" / "example.com" / "provider").write_text(text)
    (slot.tree / "providers").mkdir()
    (slot.tree / "providers" / "file").write_text("not a binary")

    await workspace.unpack(other, await workspace.pack(slot))

    assert (other.data_dir / "providers" / "example.com" / "provider").read_text() == "ours"
    assert (other.tree / "providers" / "file").read_text() == "not a binary"


async def test_a_checkout_after_a_restore_is_exact_again(
    workspace: GitWorkspace, origin: Origin, slot: Slot
) -> None:
    await work_as_terraform_does(workspace, origin, slot)
    packed = await workspace.pack(slot)
    commit = await origin.commit({"main.tf": "y\n"})
    await workspace.fetch(REPO, "", [commit])
    await workspace.unpack(slot, packed)

    await workspace.checkout(REPO, slot, commit)

    assert {path.name for path in slot.tree.iterdir()} == {"main.tf"}
    assert (slot.tree / "main.tf").read_text() == "y\n"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../data", "sub/../../x"])
async def test_a_link_that_leads_out_is_not_packed(workspace: GitWorkspace, slot: Slot, target: str) -> None:
    (slot.tree / "link").symlink_to(target)

    with pytest.raises(UnsafeTreeError, match="link: the symbolic link points outside"):
        await workspace.pack(slot)


async def test_sockets_and_pipes_are_left_out(workspace: GitWorkspace, slot: Slot, other: Slot) -> None:
    os.mkfifo(slot.tree / "pipe")
    (slot.tree / "file").write_text("x")

    await workspace.unpack(other, await workspace.pack(slot))

    assert {path.name for path in other.tree.iterdir()} == {"file"}


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


@pytest.mark.parametrize("case", HOSTILE, ids=list(HOSTILE))
async def test_a_hostile_or_damaged_bundle_is_refused_and_stays_inside(
    workspace: GitWorkspace, slot: Slot, tmp_path: Path, case: str
) -> None:
    with pytest.raises(WorkspaceError):
        await workspace.unpack(slot, HOSTILE[case])

    assert strayed(tmp_path, slot) == []


async def test_special_bits_are_not_restored(workspace: GitWorkspace, slot: Slot) -> None:
    await workspace.unpack(slot, archive((member("tree/a"), b"x")))

    assert stat.S_IMODE((slot.tree / "a").stat().st_mode) == 0o777


async def test_a_slot_too_large_to_pack_is_refused(
    workspace: GitWorkspace, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LARGEST_BUNDLE", 10)
    (slot.tree / "large").write_bytes(b"x" * 11)

    with pytest.raises(WorkspaceError, match="more than 10 bytes"):
        await workspace.pack(slot)
    with pytest.raises(WorkspaceError, match="more than 10 bytes"):
        await workspace.unpack(slot, archive((member("tree/a"), b"x" * 11)))


async def test_slots_of_other_environments_can_be_restored_too(workspace: GitWorkspace, slot: Slot) -> None:
    (slot.tree / "a").write_text("x")
    packed = await workspace.pack(slot)
    prod = STACK.__class__(
        repo=STACK.repo,
        project=STACK.project,
        env=EnvName("prod"),
        state_key=STACK.state_key,
        directory=STACK.directory,
        var_file=None,
    )

    async with workspace.slot(prod, name="5") as target:
        await workspace.unpack(target, packed)

        assert (target.tree / "a").read_text() == "x"


async def test_a_source_is_the_tree_alone_and_is_the_same_wherever_it_was_planned(
    workspace: GitWorkspace, origin: Origin, slot: Slot, other: Slot
) -> None:
    # Given two slots with the same tree, in which the engine has written different things of its own,
    await work_as_terraform_does(workspace, origin, slot)
    await work_as_terraform_does(workspace, origin, other)
    (slot.tree / OVERRIDE_FILE).write_text("terraform {}")
    (other.data_dir / "more").write_text("x")
    # when both are packed as sources, then they are equal,
    source = await workspace.pack_source(slot)
    assert await workspace.pack_source(other) == source
    # and one of them restores the tree, without what belongs to a place.
    (other.tree / "later").write_text("x")
    await workspace.unpack(other, source)
    assert (other.tree / "main.tf").read_text() == "x\n"
    assert not (other.tree / "later").exists()
    assert not (other.tree / OVERRIDE_FILE).exists()
    assert list(other.data_dir.iterdir()) == []
