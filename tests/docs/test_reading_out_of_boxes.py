"""Paths that code of a pull request may have made are opened in one module alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("bot/adapters/terraform", "bot/adapters/workspace")
OPENING: Final = frozenset(
    {
        *("open", "read_text", "read_bytes", "stat", "lstat", "exists", "lexists", "is_file", "is_dir"),
        *("is_symlink", "iterdir", "glob", "rglob", "readlink", "resolve", "walk", "scandir", "listdir"),
        *("fwalk", "copyfile", "copy2", "copytree"),
    }
)
"""Methods by which a path is followed; names that are not methods of paths do no harm here."""
ALLOWED: Final = {
    "bot/adapters/terraform/backend.py": "lists the root module before any code has run in it",
    "bot/adapters/terraform/cli.py": "reads logs and answers, which no sandbox shows",
    "bot/adapters/terraform/engine.py": "looks for the engine on this machine",
    "bot/adapters/terraform/fetched.py": "looks whether the data directory has modules; what they hold is read by `untrusted`",
    "bot/adapters/terraform/memory.py": "reads /proc",
    "bot/adapters/terraform/paths.py": "looks at the tree before any code has run in it, and writes new files only",
    "bot/adapters/terraform/process.py": "opens logs, which no sandbox shows",
    "bot/adapters/terraform/sandbox.py": "looks at the top-level directories of this machine",
    "bot/adapters/terraform/session.py": "looks at the tree before any code has run in it, and at its own scratch directory",
    "bot/adapters/terraform/supervision.py": "measures logs, which no sandbox shows",
    "bot/adapters/terraform/tail.py": "reads logs, which no sandbox shows",
    "bot/adapters/terraform/unreadable.py": "copies the engine",
    "bot/adapters/terraform/warmth.py": "reads tree and data directory before any code has run there",
    "bot/adapters/workspace/bundle.py": "reads archives from memory, and writes into a tree where no code has run",
    "bot/adapters/workspace/cleaning.py": "removes, without following links",
    "bot/adapters/workspace/history.py": "reads archives from memory",
    "bot/adapters/workspace/locks.py": "opens lock files, which no sandbox shows",
    "bot/adapters/workspace/mirror.py": "looks at mirrors, which no sandbox shows",
    "bot/adapters/workspace/slots.py": "lists slots, and reads a note that no sandbox shows",
    "bot/adapters/workspace/workspace.py": "looks for a mark that no sandbox shows",
}
"""Module -> why what it opens cannot have been made by the code of a pull request."""


def openings(path: Path) -> list[int]:
    """Return the lines of a module on which paths are followed."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return [
        call.lineno for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in OPENING
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_known_modules_follow_paths(folder: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted((ROOT / folder).glob("*.py"))
        if (lines := openings(path))
    }
    unknown = {path: lines for path, lines in found.items() if path not in ALLOWED}

    assert unknown == {}, "open such paths with bot.adapters.untrusted, or say here why nobody else made them"
    assert {path for path in ALLOWED if path.startswith(f"{folder}/")} == found.keys()


def test_a_new_way_to_open_a_path_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def read(place):\n    return place.read_text()\n")

    assert openings(module) == [2]
