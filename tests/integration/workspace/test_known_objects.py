from __future__ import annotations

import os
from pathlib import Path

from bot.adapters.workspace import GitWorkspace
from bot.adapters.workspace.known_objects import place_of
from tests.integration.workspace.origin import REPO, Origin


async def _mirror(workspace: GitWorkspace, origin: Origin, data_dir: Path) -> Path:
    head = await origin.commit({"a.tf": "one\n"})
    await workspace.fetch(REPO, "", [head])
    return data_dir / "mirrors" / "acme" / "infra.git"


async def test_mirror_cloned_again_is_another_despite_a_reused_inode(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    mirror = await _mirror(workspace, origin, data_dir)
    before = place_of(mirror)

    # Same inode, other time: what a file system makes of a deleted directory that is created again.
    written = (mirror / "HEAD").stat().st_mtime_ns
    os.utime(mirror / "HEAD", ns=(written + 1, written + 1))

    assert place_of(mirror) != before


async def test_mirror_stays_the_same_when_it_fetches(
    workspace: GitWorkspace, origin: Origin, data_dir: Path
) -> None:
    mirror = await _mirror(workspace, origin, data_dir)
    before = place_of(mirror)

    later = await origin.commit({"a.tf": "two\n"})
    await workspace.fetch(REPO, "", [later])

    assert place_of(mirror) == before


def test_missing_mirror_has_a_place_of_its_own(tmp_path: Path) -> None:
    assert place_of(tmp_path / "none.git") == (tmp_path / "none.git", 0, 0)
