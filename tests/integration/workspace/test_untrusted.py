"""Reading what a program has written: nothing is followed, nothing is waited for, and nothing is read without an end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.adapters import untrusted
from bot.adapters.untrusted import copy_out, find, read_text, walk
from bot.domain.core.errors import UnsafeTreeError

NOBODY = 65534
ENOUGH = 1000
UNDECODABLE = os.fsdecode(b"name\xe9")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Return a directory that a program could write to, beside a file that it must not reach."""
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


def a_link(at: Path) -> None:
    at.symlink_to("../secret")


def a_pipe(at: Path) -> None:
    os.mkfifo(at)


def a_socket(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        here = os.open(at.parent, os.O_PATH)
        try:
            bound.bind(f"/proc/self/fd/{here}/{at.name}")
        finally:
            os.close(here)


def a_directory(at: Path) -> None:
    at.mkdir()


def an_endless_link(at: Path) -> None:
    at.symlink_to("/dev/zero")


def a_link_to_itself(at: Path) -> None:
    at.symlink_to(at.name)


def a_hollow_giant(at: Path) -> None:
    with at.open("wb") as file:
        file.truncate(1 << 40)


NO_FILES = [a_link, a_pipe, a_socket, a_directory, an_endless_link, a_link_to_itself, a_hollow_giant]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", NO_FILES)
def test_only_a_regular_file_is_copied_out(box: Path, tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(box / "plan")

    with pytest.raises(UnsafeTreeError, match="plan: it "):
        copy_out(box, "plan", tmp_path / "copy", largest=ENOUGH)

    assert not (tmp_path / "copy").exists()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", NO_FILES)
def test_only_a_regular_file_is_read_as_text(box: Path, make: Callable[[Path], None]) -> None:
    make(box / "lock")

    assert read_text(box, "lock", largest=ENOUGH) is None


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", NO_FILES)
def test_only_a_regular_file_has_content(box: Path, make: Callable[[Path], None]) -> None:
    make(box / "one")

    walking = walk(box)
    found = next(walking)

    with pytest.raises(UnsafeTreeError, match="one: it "):
        found.content(largest=ENOUGH)
    assert (found.is_file, found.is_link, found.is_directory) == (
        make is a_hollow_giant,
        make in (a_link, an_endless_link, a_link_to_itself),
        make is a_directory,
    )


@pytest.mark.timeout(10)
@pytest.mark.parametrize("device", ["zero", "null"])
def test_a_device_is_not_read(tmp_path: Path, device: str) -> None:
    with pytest.raises(UnsafeTreeError, match=f"{device}: it is not a regular file"):
        copy_out(Path("/dev"), device, tmp_path / "copy", largest=ENOUGH)

    assert read_text(Path("/dev"), device, largest=ENOUGH) is None


def test_a_copy_is_the_files_bytes_and_their_digest(box: Path, tmp_path: Path) -> None:
    (box / "plan").write_bytes(b"planned")

    digest = copy_out(box, "plan", tmp_path / "copy", largest=7)

    assert digest == hashlib.sha256(b"planned").hexdigest()
    assert (tmp_path / "copy").read_bytes() == b"planned"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o400


def test_a_file_of_one_byte_too_many_is_not_copied(box: Path, tmp_path: Path) -> None:
    (box / "plan").write_bytes(b"planned")

    with pytest.raises(UnsafeTreeError, match="plan: it is larger than 6 bytes"):
        copy_out(box, "plan", tmp_path / "copy", largest=6)

    assert not (tmp_path / "copy").exists()


@pytest.mark.timeout(10)
def test_a_file_without_a_size_is_read_to_its_limit(tmp_path: Path) -> None:
    # Files in /proc have no size and yet content, as one has that grows while it is read.
    with pytest.raises(UnsafeTreeError, match="kallsyms: it is larger than 1000 bytes"):
        copy_out(Path("/proc"), "kallsyms", tmp_path / "copy", largest=ENOUGH)

    assert not (tmp_path / "copy").exists()


def test_what_was_never_written_is_no_error(box: Path, tmp_path: Path) -> None:
    assert copy_out(box, "plan", tmp_path / "copy", largest=ENOUGH) is None
    assert find(box, "plan") is None
    assert find(box, "no/plan") is None
    assert read_text(box, "no/plan", largest=ENOUGH) is None
    assert not (tmp_path / "copy").exists()


def test_a_copy_never_replaces_anything(box: Path, tmp_path: Path) -> None:
    (box / "plan").write_text("planned")
    (tmp_path / "copy").symlink_to("secret")

    with pytest.raises(FileExistsError):
        copy_out(box, "plan", tmp_path / "copy", largest=ENOUGH)

    assert (tmp_path / "secret").read_text() == "of the host"


@pytest.mark.parametrize("what", ["gone", "a link", "a file"])
def test_a_root_that_is_no_directory_any_more_is_refused(box: Path, tmp_path: Path, what: str) -> None:
    box.rmdir()
    if what == "a link":
        box.symlink_to(tmp_path)
    elif what == "a file":
        box.write_text("x")

    with pytest.raises(UnsafeTreeError, match="`box` cannot be read"):
        copy_out(box, "secret", tmp_path / "copy", largest=ENOUGH)
    with pytest.raises(UnsafeTreeError, match="`box` cannot be read"):
        list(walk(box))
    assert find(box, "secret") is None
    assert read_text(box, "secret", largest=ENOUGH) is None


def test_no_path_leads_through_a_link(box: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("of the host")
    (box / "deep").mkdir()
    (box / "deep" / "link").symlink_to(tmp_path / "outside")

    assert find(box, "deep/link") is not None
    assert find(box, "deep/link/file") is None
    assert read_text(box, "deep/link/file", largest=ENOUGH) is None
    assert [found.path for found in walk(box)] == ["deep", "deep/link"]


def test_a_tree_is_walked_parents_first_by_name(box: Path) -> None:
    for name in ("b/file", "a/z/file", "a/b", "c"):
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_text(name)

    read = {found.path: found.content(largest=ENOUGH).decode() for found in walk(box) if found.is_file}

    assert [found.path for found in walk(box)] == ["a", "a/b", "a/z", "a/z/file", "b", "b/file", "c"]
    assert read == {name: name for name in ("a/b", "a/z/file", "b/file", "c")}


def test_names_that_are_no_text_can_be_read_and_told(box: Path) -> None:
    (box / f"{UNDECODABLE}\n").write_text("x")

    walking = walk(box)
    found = next(walking)

    assert found.path == f"{UNDECODABLE}\n"
    assert found.content(largest=1) == b"x"
    with pytest.raises(UnsafeTreeError) as refused:
        found.content(largest=0)
    assert refused.value.problems == (r"name\xe9\u000a: it is larger than 0 bytes",)


def dig(box: Path, levels: int) -> None:
    here = os.open(box, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)


def test_a_tree_of_too_many_levels_is_refused(box: Path) -> None:
    dig(box, untrusted.DEEPEST + 50)

    with pytest.raises(UnsafeTreeError, match="nested deeper than 100 levels"):
        list(walk(box))
    assert len(list(walk(box, whole=False))) == untrusted.DEEPEST


@pytest.mark.parametrize("whole", [True, False])
def test_a_tree_of_too_many_entries_is_refused(
    box: Path, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    monkeypatch.setattr(untrusted, "MOST_ENTRIES", 10)
    for number in range(4):
        (box / f"d{number}").mkdir()
        (box / f"d{number}" / "one").touch()
        (box / f"d{number}" / "two").touch()

    with pytest.raises(UnsafeTreeError, match="more than 10 files and directories"):
        list(walk(box, whole=whole))


def test_a_directory_of_too_many_entries_is_refused(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "MOST_ENTRIES", 10)
    (box / "deep").mkdir()
    for number in range(11):
        (box / "deep" / str(number)).touch()

    with pytest.raises(UnsafeTreeError, match="deep: more than 10 entries"):
        list(walk(box))


def test_a_refused_walk_leaves_nothing_open(box: Path) -> None:
    dig(box, untrusted.DEEPEST + 1)

    with pytest.raises(UnsafeTreeError):
        list(walk(box))
    next(iter(walk(box)))

    descriptors = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    assert [path for path in descriptors if path.readlink().is_relative_to(box)] == []


LOCKED = """
import os, sys, tempfile
from pathlib import Path
from bot.adapters.untrusted import copy_out, find, read_text, walk
from bot.domain.core.errors import UnsafeTreeError

if os.geteuid() == 0:
    # Root may read everything, so the look is taken by somebody else.
    os.setgroups([])
    os.setgid(int(sys.argv[1]))
    os.setuid(int(sys.argv[1]))
with tempfile.TemporaryDirectory() as made:
    box = Path(made) / "box"
    (box / "locked" / "inner").mkdir(parents=True)
    (box / "seen").touch()
    (box / "unreadable").write_text("x")
    (box / "unreadable").chmod(0)
    (box / "locked").chmod(0)

    def told(act):
        try:
            return act()
        except UnsafeTreeError as error:
            return str(error)

    print(told(lambda: list(walk(box))))
    print([found.path for found in walk(box, whole=False)])
    print(find(box, "locked/inner"), read_text(box, "unreadable", largest=9))
    print(told(lambda: copy_out(box, "unreadable", Path(made) / "copy", largest=9)))
    box.chmod(0)
    print(told(lambda: list(walk(box, whole=False))))
    print(told(lambda: copy_out(box, "seen", Path(made) / "copy", largest=9)))
    box.chmod(0o700)
    (box / "locked").chmod(0o700)
"""


async def test_what_may_not_be_read_is_told_or_passed_over() -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", LOCKED, str(NOBODY)), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()

    assert said.decode().splitlines() == [
        "locked: the directory cannot be read (Permission denied)",
        "['locked', 'seen', 'unreadable']",
        "None None",
        "unreadable: it cannot be read (Permission denied)",
        "`box` cannot be read (Permission denied)",
        "`box` cannot be read (Permission denied)",
    ]
