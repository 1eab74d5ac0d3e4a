"""Where modules are, and how tests are named and share what they need."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT

_TESTS: Final = ROOT / "tests"
_MOST_WORDS: Final = 10
_MOST_MODULES: Final = 26
"""Of one folder, its `__init__.py` included."""


def test_no_test_module_imports_another_one() -> None:
    found = {
        str(path.relative_to(ROOT)): sorted(name for name in _imports(path) if _is_test_module(name))
        for path in _modules()
    }

    assert {path: names for path, names in found.items() if names} == {}


def test_names_of_tests_have_at_most_ten_words() -> None:
    names = [name for path in _modules() for name in _tests(path)]

    assert [name for name in names if len(name.split("_")) - 1 > _MOST_WORDS] == []


def test_folders_of_tests_and_the_stand_in_stay_small() -> None:
    folders = Counter(path.parent for path in (*_modules(), *(ROOT / "bot/playground").rglob("*.py")))

    assert {str(folder): count for folder, count in folders.items() if count > _MOST_MODULES} == {}


def _modules() -> list[Path]:
    return sorted(_TESTS.rglob("*.py"))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> set[str]:
    """Return the full names of modules of tests, and of what is taken from them."""
    found: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return {name for name in found if name.startswith("tests.")}


def _is_test_module(name: str) -> bool:
    return any(part.startswith("test_") for part in name.split(".")) and (
        (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()
    )


def _tests(path: Path) -> list[str]:
    return [
        node.name
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
