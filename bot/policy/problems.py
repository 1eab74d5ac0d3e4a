"""Convert pydantic's errors to sentences: line, place, allowed values, actual value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.policy.source import Path, Source, dotted

_SHOWN = 60
_Schema = Mapping[str, Any]

_SENTENCES = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "missing": "is missing",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_not_found": "must say its type",
    "union_tag_invalid": "must have one of the types {expected_tags}",
}


def explain(error: ValidationError, source: Source, schema: _Schema) -> Iterator[tuple[int, str]]:
    """Yield the line and the sentence of each problem.

    `schema` is the JSON schema of the whole file.
    """
    for found in error.errors(include_url=False):
        if found["type"] == "too_short" and len(found["input"]) >= found["ctx"]["min_length"]:
            continue  # Entries that are wrong themselves were not counted.
        path, inside = _real_path(found, source.data)
        sentence = _sentence(found, path, schema, source.data)
        shown = (
            "" if not inside or found["type"] in {"missing", "extra_forbidden"} else _shown(found["input"])
        )
        yield source.line(path), f"{dotted(path)}: {sentence}{shown}"


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed name that was probably meant."""
    close = get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.6)
    return close[0] if close else None


def _real_path(found: ErrorDetails, data: Any) -> tuple[Path, bool]:
    """Return the path in the file, and whether a value is there.

    Pydantic's marks for unions and keys are left out.
    """
    path: list[str | int] = []
    here = data
    for part in found["loc"]:
        if _holds(here, part):
            here = here[part]
        elif found["type"] == "missing" and part == found["loc"][-1]:
            return (*path, part), False
        else:
            continue
        path.append(part)
    return tuple(path), found["loc"][-1:] != ("[key]",)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _sentence(found: ErrorDetails, path: Path, schema: _Schema, data: Any) -> str:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, schema, data)
    if kind == "string_type":
        number = isinstance(found["input"], int | float) and not isinstance(found["input"], bool)
        return "must be text; put it in quotes" if number else "must be text"
    if kind == "value_error":
        return str(context["error"])
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map(context)
    message = found["msg"]
    return message[:1].lower() + message[1:]


def _unknown_key(path: Path, schema: _Schema, data: Any) -> str:
    allowed = sorted(_allowed_keys(schema, path[:-1], data))
    meant = nearest(str(path[-1]), allowed)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"is not known; allowed here: {', '.join(allowed)}{hint}"


def _allowed_keys(schema: _Schema, path: Path, data: Any) -> set[str]:
    """Return the keys of the mapping at `path`, by walking schema and data side by side."""
    here, value = list(_alternatives(schema, schema, data)), data
    for part in path:
        value = value[part]
        steps = [step for option in here for step in _step(option, part)]
        here = [option for step in steps for option in _alternatives(step, schema, value)]
    return {str(key) for option in here for key in option.get("properties", {})}


def _step(schema: _Schema, part: str | int) -> Iterator[_Schema]:
    if isinstance(part, int):
        yield schema.get("items", {})
    elif part in schema.get("properties", {}):
        yield schema["properties"][part]
    else:
        yield from schema.get("patternProperties", {}).values()
        if isinstance(schema.get("additionalProperties"), dict):
            yield schema["additionalProperties"]


def _alternatives(schema: _Schema, root: _Schema, value: Any) -> Iterator[_Schema]:
    """Follow references, and of a choice by `type` take the branch that the value names."""
    if "$ref" in schema:
        yield from _alternatives(root["$defs"][schema["$ref"].rpartition("/")[2]], root, value)
        return
    mapping = schema.get("discriminator", {}).get("mapping", {})
    named = mapping.get(value.get("type")) if isinstance(value, dict) else None
    if named:
        yield from _alternatives({"$ref": named}, root, value)
        return
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not options:
        yield schema
    for option in options:
        yield from _alternatives(option, root, value)


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f" (is {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'})"
