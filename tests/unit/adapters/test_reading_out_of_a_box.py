"""No module opens what code of a pull request has written, but the one that is made for it.

Whoever adds a module to this table, or a way of reading to a module, answers its question: who could have written what
is read there?
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ADAPTERS: Final = Path(__file__).parents[3] / "bot" / "adapters"
PACKAGES: Final = ("terraform", "workspace")
"""The packages whose directories code of a pull request can write to."""
READING: Final = frozenset(
    {
        *("open", "fdopen", "read_text", "read_bytes", "readlink", "resolve", "copyfile", "copytree"),
        *("exists", "lexists", "is_file", "is_dir", "is_symlink", "stat", "lstat", "samefile"),
        *("iterdir", "glob", "rglob", "scandir", "listdir"),
    }
)
READ_BEFORE: Final = "the tree, while no code of it has run since it was laid out"
OUTSIDE: Final = "what no sandbox shows: files of the bot beside the tree, and the machine's own"
FETCHED: Final = "the data directory, which init alone can write"
NOT_FOLLOWED: Final = "whatever lies there, but no link is followed and nothing is opened"
WRITERS: Final = {
    "terraform/backend.py": READ_BEFORE,
    "terraform/cli.py": OUTSIDE,
    "terraform/engine.py": OUTSIDE,
    "terraform/fetched.py": FETCHED,
    "terraform/memory.py": OUTSIDE,
    "terraform/paths.py": READ_BEFORE,
    "terraform/process.py": OUTSIDE,
    "terraform/sandbox.py": OUTSIDE,
    "terraform/saved_plan.py": READ_BEFORE,
    "terraform/session.py": READ_BEFORE,
    "terraform/supervision.py": OUTSIDE,
    "terraform/tail.py": OUTSIDE,
    "terraform/var_files.py": READ_BEFORE,
    "terraform/warmth.py": FETCHED,
    "workspace/bundle.py": READ_BEFORE,
    "workspace/cleaning.py": NOT_FOLLOWED,
    "workspace/history.py": OUTSIDE,
    "workspace/known_objects.py": OUTSIDE,
    "workspace/locks.py": OUTSIDE,
    "workspace/mirror.py": OUTSIDE,
    "workspace/slots.py": OUTSIDE,
    "workspace/workspace.py": OUTSIDE,
}
"""Module that reads directories or files -> who could have written them."""


def reads(module: Path) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call))
    names = (
        called.attr
        if isinstance(called, ast.Attribute)
        else called.id
        if isinstance(called, ast.Name)
        else ""
        for called in calls
    )
    return not READING.isdisjoint(names)


def test_every_module_that_reads_files_is_listed() -> None:
    modules = [module for name in PACKAGES for module in (ADAPTERS / name).rglob("*.py")]

    reading = {str(module.relative_to(ADAPTERS)) for module in modules if reads(module)}

    assert reading == set(WRITERS)


def test_after_code_ran_trees_are_read_by_one_module_alone() -> None:
    # These look at a tree when code has run in it; by themselves they open nothing.
    for name in ("workspace/left_behind.py", "workspace/rescue.py"):
        assert not reads(ADAPTERS / name)
    assert reads(ADAPTERS / "untrusted.py")
