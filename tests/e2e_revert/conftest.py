"""The end-to-end world, for going back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import playground, world

__all__ = ["playground", "world"]

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test on the loop on which the session's playground lives."""
    for item in items:
        if item.path.is_relative_to(_HERE) and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
