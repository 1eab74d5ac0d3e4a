"""Which variables the var files of a tree set; read before any code has run in it. Blocking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.adapters.terraform.paths import read_regular
from bot.domain.parity_facts import variables_set

_ALWAYS = ("terraform.tfvars", "terraform.tfvars.json")
_AUTO = (".auto.tfvars", ".auto.tfvars.json")


def set_by_files(module: Path, tree: Path, var_file: str | None) -> Iterator[str]:
    """Yield the names of variables that the stack's var file sets, and the files that Terraform loads by itself."""
    files = [path for path in module.iterdir() if path.name in _ALWAYS or path.name.endswith(_AUTO)]
    if var_file is not None:
        files.append((tree / var_file).resolve())
    for path in files:
        names = variables_set(path.name, read_regular(path) or "")
        yield from (name.removeprefix("var.") for name in names)
