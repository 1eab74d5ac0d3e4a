from __future__ import annotations

import importlib
from functools import reduce

import pytest

from tests.docs.architecture import APPLY_PATH


@pytest.mark.parametrize("name", sorted({stop.name for stop in APPLY_PATH}))
def test_every_function_on_the_path_of_an_apply_exists(name: str) -> None:
    module, _, function = name.partition(":")

    found = reduce(getattr, function.split("."), importlib.import_module(module))

    assert callable(found)
