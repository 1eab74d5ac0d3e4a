"""Files that code writes during a plan and that its apply will not find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import join, normpath
from typing import Any, Final

_WRITTEN: Final = {"archive_file": "output_path"}
"""Type of a data source -> the attribute with the path that it writes."""


def lost_files(plan_json: Mapping[str, Any], *, tree: str, directory: str) -> tuple[str, ...]:
    """Return one warning for each file outside the tree; paths are as Terraform sees them.

    Temporary directories are empty in every step, and an apply may run on another machine.
    """
    found: list[str] = []
    for resource in _data(plan_json):
        written = (resource.get("values") or {}).get(_WRITTEN.get(str(resource.get("type")), ""))
        if isinstance(written, str) and not _is_inside(normpath(join(tree, directory, written)), tree):
            found.append(
                f"{resource.get('address')} has written {written}, outside of the repository: the file is gone when this"
                " plan is applied. Where the apply reads it, have it written below the root module."
            )
    return tuple(found)


def _data(plan_json: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the data sources that were read during the plan."""
    todo = [((plan_json.get("prior_state") or {}).get("values") or {}).get("root_module") or {}]
    while todo:
        module = todo.pop()
        todo += module.get("child_modules") or ()
        yield from (each for each in module.get("resources") or () if each.get("mode") == "data")


def _is_inside(path: str, tree: str) -> bool:
    return path.startswith(f"{normpath(tree)}/")
