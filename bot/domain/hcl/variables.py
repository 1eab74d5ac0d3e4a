"""Variables that a root module declares, for comparing the inputs of plans and applies.

It never raises. If something cannot be read with certainty, the answer is incomplete, and no difference
counts as harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Literal

from bot.domain.hcl.scanner import HclToken, hcl_tokens

PREFIX: Final = "TF_VAR_"
"""Prefix of environment variables that set Terraform variables."""

_HCL: Final = {"terraform": (".tf",), "tofu": (".tofu", ".tf")}
_JSON: Final = {"terraform": (".tf.json",), "tofu": (".tofu.json", ".tf.json")}
_FIRST_WITH_EPHEMERAL: Final = {"terraform": (1, 10), "tofu": (1, 11)}
_OPEN, _CLOSE, _LINE_END = (HclToken(kind="sign", text=text) for text in ("{", "}", "\n"))


class _Says(Enum):
    """The value of `ephemeral` in one declaration; expressions are not evaluated."""

    NOTHING = "nothing"
    FALSE = "false"
    TRUE = "true"
    SOMETHING = "something"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The variables of a root module."""

    declared: frozenset[str]
    ephemeral: frozenset[str]
    """Variables whose every declaration has `ephemeral = true`."""
    perhaps_ephemeral: frozenset[str]
    """Variables for which any declaration may be ephemeral."""
    is_complete: bool
    """Whether no declaration can have been missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A variable that plans and applies of an environment get with different values."""

    name: str
    only: Literal["plan", "apply"] | None
    """The only purpose that sets it; None if both do, with different values."""


def differences(plan: Mapping[str, str], apply: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the differences between the environments of the two purposes, by name."""
    found = []
    for name in sorted(name for name in {*plan, *apply} if name.startswith(PREFIX)):
        if plan.get(name) == apply.get(name):
            continue
        only: Literal["plan", "apply"] | None = (
            "plan" if name not in apply else "apply" if name not in plan else None
        )
        found.append(Difference(name=name.removeprefix(PREFIX), only=only))
    return tuple(found)


def unlike(found: Iterable[Difference], variables: Variables) -> tuple[Difference, ...]:
    """Return the differences that matter to a root module.

    Undeclared variables do not matter. The values of an ephemeral variable may differ, but Terraform requires
    that it is set for both purposes or for neither.
    """
    return tuple(
        one
        for one in found
        if (one.name in variables.declared or not variables.is_complete)
        and not (one.only is None and one.name in variables.ephemeral and variables.is_complete)
    )


def takes_ephemeral(engine: str, version: str) -> bool:
    """Whether an engine has ephemeral variables and accepts their values with a saved plan."""
    parts = version.split(".")
    if engine not in _FIRST_WITH_EPHEMERAL or len(parts) < 2 or not all(map(str.isdecimal, parts[:2])):  # noqa: PLR2004 - major, minor
        return False
    return (int(parts[0]), int(parts[1])) >= _FIRST_WITH_EPHEMERAL[engine]


def first_with_ephemeral(engine: str) -> str:
    """Return the first version of an engine that has ephemeral variables."""
    return ".".join(map(str, _FIRST_WITH_EPHEMERAL[engine]))


def assigned_variables(name: str, text: str) -> frozenset[str]:
    """Return the variables that a var file sets; its name shows whether it is JSON."""
    if name.endswith(".json"):
        try:
            root = json.loads(text)
        except (ValueError, RecursionError):
            return frozenset()
        return frozenset(root) if isinstance(root, dict) else frozenset()
    found: set[str] = set()
    depth, before = 0, _LINE_END
    for token in hcl_tokens(text):
        if token in {_OPEN, _CLOSE}:
            depth += 1 if token == _OPEN else -1
        elif depth == 0 and before.kind == "word" and token == HclToken(kind="sign", text="="):
            found.add(before.text)
        before = token
    return frozenset(found)


def declared_variables(files: Mapping[str, str], engine: str) -> Variables:
    """Return the variables of a root module from file name -> text, as the engine reads them."""
    said: dict[str, set[_Says]] = {}
    is_complete = True
    for name, text in _read_by(engine, files).items():
        is_json = name.endswith(_JSON[engine])
        for variable, says in _in_json(text) if is_json else _in_hcl(text):
            if variable is None:
                is_complete = False
            else:
                said.setdefault(variable, set()).add(says)
    return Variables(
        declared=frozenset(said),
        ephemeral=frozenset(name for name, says in said.items() if says - {_Says.NOTHING} == {_Says.TRUE}),
        perhaps_ephemeral=frozenset(
            name for name, says in said.items() if says & {_Says.TRUE, _Says.SOMETHING}
        ),
        is_complete=is_complete,
    )


def _read_by(engine: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that an engine reads: OpenTofu prefers `x.tofu` to `x.tf`."""
    found: dict[str, str] = {}
    for endings in (_HCL[engine], _JSON[engine]):
        stems: set[str] = set()
        for ending in endings:
            named = {name for name in files if name.endswith(ending) and not name.startswith(".")}
            new = {name for name in named if name.removesuffix(ending) not in stems}
            found |= {name: files[name] for name in new}
            stems |= {name.removesuffix(ending) for name in named}
    return found


def _in_hcl(source: str) -> Iterator[tuple[str | None, _Says]]:
    """Yield name (None if unreadable) and value of `ephemeral` for each declared variable."""
    depth, line = 0, list[HclToken]()
    name: str | None = None
    says, is_variable = _Says.NOTHING, False
    for token in (*hcl_tokens(source), _LINE_END):
        if token in {_OPEN, _CLOSE, _LINE_END} and depth == 1 and is_variable:
            says = _heard(says, line) if token != _OPEN else says
        if token == _OPEN:
            if depth == 0:
                is_variable = bool(line) and line[0] == HclToken(kind="word", text="variable")
                name, says = _label(line[1:]), _Says.NOTHING
            depth += 1
        elif token == _CLOSE:
            depth = max(0, depth - 1)
            if depth == 0 and is_variable:
                yield name, says
                is_variable = False
        if token in {_OPEN, _CLOSE, _LINE_END}:
            line = []
        else:
            line.append(token)
    if is_variable:
        yield None, says


def _label(tokens: list[HclToken]) -> str | None:
    """Return the label of a block with one literal label, else None."""
    plain = [token.text for token in tokens if token.kind in {"word", "text"} and token.text]
    return plain[0] if len(plain) == len(tokens) == 1 else None


def _heard(before: _Says, line: list[HclToken]) -> _Says:
    words = [token.text for token in line]
    if not line or line[0].kind != "word" or words[:2] != ["ephemeral", "="]:
        return before
    if len(line) == 3 and line[2].kind == "word":  # noqa: PLR2004 - name, sign, value
        return {"true": _Says.TRUE, "false": _Says.FALSE}.get(words[2], _Says.SOMETHING)
    return _Says.SOMETHING


def _in_json(source: str) -> Iterator[tuple[str | None, _Says]]:
    try:
        root = json.loads(source, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        # Terraform's reader of JSON may be more patient than ours.
        yield None, _Says.NOTHING
        return
    for block in _values(root, "variable"):
        for name, bodies in _pairs(block):
            for body in bodies if isinstance(bodies, list) else [bodies]:
                says = [_heard_in_json(value) for value in _values(body, "ephemeral")] or [_Says.NOTHING]
                yield from ((name, one) for one in says)


class _Object:
    """A JSON object that keeps all values of a repeated key, as Terraform does."""

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        self.members = members


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object, or of each object in a list."""
    if isinstance(value, _Object):
        yield from value.members
    elif isinstance(value, list):
        for one in value:
            yield from _pairs(one)


def _values(value: Any, key: str) -> Iterator[Any]:
    return (inner for name, inner in _pairs(value) if name == key)


def _heard_in_json(value: Any) -> _Says:
    return {True: _Says.TRUE, False: _Says.FALSE}[value] if isinstance(value, bool) else _Says.SOMETHING
