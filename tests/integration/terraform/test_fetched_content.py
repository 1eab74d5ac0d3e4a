"""What `init` fetched: everything in it that can make a difference counts, and nothing of it can fill the memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.adapters.terraform.fetched import LARGEST, drop_what_git_drops, packed, restore, taken
from bot.domain.core.errors import UnsafeTreeError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with one fetched module."""
    module = tmp_path / "data/modules/net"
    module.mkdir(parents=True)
    (module / "main.tf").write_text("locals {}\n")
    return tmp_path / "data"


def test_directories_that_no_content_counts_are_removed(data: Path) -> None:
    # Given a module with directories in which nothing lies, and its history,
    module = data / "modules/net"
    for path in ("empty", "empty/deep/deeper", "kept", "other/.git/refs"):
        (module / path).mkdir(parents=True)
    (module / "kept/file").write_text("")
    (module / "kept/dangling").symlink_to("../empty")
    (data / "modules/void").mkdir()

    drop_what_git_drops(data)

    # then what has content is left, and each module's own directory.
    left = {str(path.relative_to(data / "modules")) for path in (data / "modules").rglob("*")}
    assert left == {"net", "net/main.tf", "net/kept", "net/kept/file", "net/kept/dangling", "void"}
    # And what is unpacked again is the same.
    before = taken(data).digest
    restore(data, packed(data))
    drop_what_git_drops(data)
    assert taken(data).digest == before


def test_files_too_large_together_are_refused_before_reading(data: Path) -> None:
    for number in range(5):
        name = data / f"modules/net/{number}"
        name.touch()
        os.truncate(name, LARGEST // 4)

    for read in (packed, taken):
        with pytest.raises(UnsafeTreeError, match="what `init` fetched has more than"):
            read(data)
