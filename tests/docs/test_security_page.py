from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.docs.attacks import ATTACKS, PROMISES
from tests.docs.pages import ROOT, read

_NAMED = sorted({name for one in (*ATTACKS, *PROMISES) for name in one.tests})


@pytest.mark.parametrize("name", _NAMED)
def test_every_test_that_the_page_names_exists(name: str) -> None:
    file, _, function = name.partition("::")

    assert function in _functions(file)


@cache
def _functions(file: str) -> frozenset[str]:
    defined = ast.FunctionDef | ast.AsyncFunctionDef
    return frozenset(node.name for node in ast.walk(ast.parse(read(file))) if isinstance(node, defined))


def test_every_module_that_keeps_a_promise_exists() -> None:
    named = {path for promise in PROMISES for path in promise.kept_in}

    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []
