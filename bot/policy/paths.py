"""Paths and state keys of `gatewright.yaml`, which never leave the repository or bucket."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator

_STATE_KEY = r"[A-Za-z0-9{][A-Za-z0-9{}._/=-]*"
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|[{}]")
_MAX_PATH = 300
_MAX_GLOB = 200


def _relative(value: str) -> str:
    """Return a path inside the repository in its shortest form."""
    if not value.strip() or len(value) > _MAX_PATH or not value.isprintable():
        raise ValueError(f"must be a path of at most {_MAX_PATH} printable characters")
    if value.startswith("/") or "\\" in value or re.match("[A-Za-z]:", value):
        raise ValueError("must be relative to the repository, with forward slashes")
    if value.startswith(("-", "~")):
        raise ValueError("must not begin with - or ~")
    parts = value.split("/")
    if ".." in parts:
        raise ValueError("must not leave the repository with ..")
    if {".git", ".terraform"} & {part.lower() for part in parts}:
        raise ValueError("must not lie in .git or .terraform")
    return posixpath.normpath(value)


def _var_file(value: str) -> str:
    path = _relative(value)
    _placeholders(path, {"{project}"})
    if not path.endswith((".tfvars", ".tfvars.json")):
        raise ValueError("must end in .tfvars or .tfvars.json")
    name = posixpath.basename(path)
    if name in {"terraform.tfvars", "terraform.tfvars.json"} or ".auto.tfvars" in name:
        raise ValueError("must not be a file that Terraform loads automatically for every environment")
    return path


def _state_key(value: str) -> str:
    if not re.fullmatch(_STATE_KEY, value) or len(value) > _MAX_PATH:
        raise ValueError(
            f"must have letters, digits, . _ = - / and placeholders, {_MAX_PATH} characters at most, "
            "and not begin with / . or -"
        )
    _placeholders(value, {"{project}", "{pull}", "{user}"})
    if {"", ".", ".."} & set(value.split("/")):
        raise ValueError("must not have empty parts, . or .. between its slashes")
    if value.endswith(".tflock"):
        raise ValueError("must not end in .tflock, which is the name of a lock")
    return value


def _placeholders(value: str, allowed: set[str]) -> None:
    unknown = [found for found in _PLACEHOLDER.findall(value) if found not in allowed]
    if unknown:
        raise ValueError(f"{unknown[0]} is no placeholder here; allowed: {', '.join(sorted(allowed))}")


def _glob(value: str) -> str:
    _relative(value.removeprefix("!"))
    if len(value) > _MAX_GLOB:
        raise ValueError(f"must have at most {_MAX_GLOB} characters")
    return value


RelativePath = Annotated[str, AfterValidator(_relative)]
VarFile = Annotated[str, AfterValidator(_var_file)]
StateKeyTemplate = Annotated[str, AfterValidator(_state_key)]
Glob = Annotated[str, AfterValidator(_glob)]
