"""Which variables the var files of a tree set; read before any code has run in it. Blocking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.adapters.terraform.paths import read_regular
from bot.domain.hcl.variables import assigned_variables

_LOADED = ("terraform.tfvars", "terraform.tfvars.json", ".auto.tfvars", ".auto.tfvars.json")
"""How the names of the var files end that Terraform loads automatically."""


def set_by_files(module: Path, tree: Path, var_file: str | None) -> Iterator[str]:
    """Yield the variables that the stack's var file, or an automatic one, sets."""
    files = [path for path in module.iterdir() if path.name.endswith(_LOADED)]
    if var_file is not None:
        files.append(tree / var_file)
    for path in files:
        # A link leads to some place in the tree.
        yield from assigned_variables(path.name, read_regular(path.resolve()) or "")
