from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.docs.call_path import Calls
from tests.docs.import_circles import import_circles
from tests.docs.source_tree import modules
from tests.docs.structure import LARGEST_FOLDER, ROOT, Structure, table

CROWDED: Final = {
    "bot/adapters/migrations/versions": "one module per change of the schema",
}
"""Folders that may have more modules than others, and why."""
LIMITS: Final = {
    "functions longer than 30 lines": 89,
    "modules longer than 250 lines": 8,
    "longest first docstring line": 90,
    "first docstring lines over 90": 0,
    "banned phrases in code": 0,
    "banned phrases in pages": 0,
    "modules with banned names": 0,
    "import circles": 0,
    "`/apply`: files of handlers and services": 40,
    "`/apply`: hops": 14,
}
"""Figures that may fall and must not rise: lower them when they have fallen."""


@pytest.fixture(scope="module")
def structure() -> Structure:
    return Structure(root=ROOT)


@pytest.mark.parametrize("measure", LIMITS)
def test_no_figure_is_worse_than_it_was(structure: Structure, measure: str) -> None:
    assert int(structure.rows[measure]) <= LIMITS[measure]


def test_no_folder_has_too_many_modules(structure: Structure) -> None:
    crowded = {name for name, count in structure.folders.items() if count > LARGEST_FOLDER}

    assert crowded - CROWDED.keys() == set()


def test_the_path_of_apply_is_found(structure: Structure) -> None:
    assert "handlers.commands.apply" in structure.apply_files
    assert any(".applying" in name for name in structure.apply_files)


def test_two_checkouts_are_compared_row_by_row(tmp_path: Path) -> None:
    write(tmp_path, {"handlers/smoke.py": '"""A text that somebody wrote anew."""\n\n\ndef handle(): ...\n'})
    small = Structure(root=tmp_path)

    lines = table(small, small).splitlines()

    assert lines[0] == "| measure | before | now |"
    assert "| files that name the command `smoke` | 0 | 0 |" in lines
    assert "| banned phrases in code | 2 | 2 |" in lines


def test_only_imports_of_modules_make_a_circle(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "bot/a.py": "from bot import b\n",
            "bot/b.py": "from bot.c import name\n",
            "bot/c.py": "import bot.a\n\nname = 1\n",
            "bot/d.py": "from bot import e\n",
            "bot/e.py": "def late():\n    from bot import d\n",
            "bot/f.py": "from bot.g import G\n",
            "bot/g.py": "if TYPE_CHECKING:\n    from bot.f import F\n",
        },
    )

    assert import_circles(modules(tmp_path)) == [("bot.a", "bot.b", "bot.c"), ("bot.f", "bot.g")]


def test_calls_are_followed_through_fields_and_results(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "bot/runs.py": "class Runs:\n    async def start(self): return self._name()\n    def _name(self): ...\n",
            "bot/bot.py": "from bot.runs import Runs\n\n\nclass Bot:\n    runs: Runs\n\n\ndef make() -> Bot: ...\n",
            "handlers/apply.py": (
                "from bot.bot import Bot, make\n\n\n"
                "async def handle(bot: Bot):\n    await bot.runs.start()\n    other = make()\n    other.unknown()\n"
            ),
        },
    )
    calls = Calls(modules(tmp_path))

    found = calls.hops(calls.find("handle", package="handlers"))

    assert found == {
        ("handlers.apply", "handle"): 0,
        ("bot.runs", "Runs.start"): 1,
        ("bot.bot", "make"): 1,
        ("bot.runs", "Runs._name"): 2,
    }


def write(root: Path, files: dict[str, str]) -> None:
    (root / "pyproject.toml").write_text("")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
