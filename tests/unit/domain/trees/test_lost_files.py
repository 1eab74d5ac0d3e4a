from __future__ import annotations

from typing import Any

import pytest

from bot.domain.trees.lost_files import lost_files


def plan(
    path: object, *, kind: str = "archive_file", mode: str = "data", nested: bool = False
) -> dict[str, Any]:
    """Return the JSON of a plan for which one data source was read."""
    resource = {"address": "data.archive_file.x", "mode": mode, "type": kind, "values": {"output_path": path}}
    module: dict[str, Any] = {"resources": [resource]}
    return {
        "prior_state": {"values": {"root_module": {"child_modules": [module]} if nested else module}},
    }


@pytest.mark.parametrize("nested", [False, True], ids=["root module", "child module"])
@pytest.mark.parametrize("path", ["/tmp/x.zip", "../../tmp/x.zip", "/work/../tmp/x.zip", "/workshop/x.zip"])  # noqa: S108
def test_a_file_outside_of_the_tree_is_named(path: str, *, nested: bool) -> None:
    (warning,) = lost_files(plan(path, nested=nested), tree="/work", directory="terraform")

    assert warning.startswith(f"data.archive_file.x has written {path}, outside of the repository: ")
    assert warning.endswith("have it written below the root module.")


@pytest.mark.parametrize(
    "found",
    [
        plan("./builds/x.zip"),
        plan("../builds/x.zip"),
        plan("/work/terraform/builds/x.zip"),
        plan("/tmp/x.zip", kind="other_file"),  # noqa: S108
        plan("/tmp/x.zip", mode="managed"),  # noqa: S108
        plan(None),
        {"prior_state": None},
        {"prior_state": {"values": {}}},
        {},
    ],
)
def test_what_stays_in_the_tree_is_no_matter(found: dict[str, Any]) -> None:
    assert lost_files(found, tree="/work", directory="terraform") == ()
