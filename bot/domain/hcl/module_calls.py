"""Local module calls of a tree, and other paths that its code refers to.

It never raises. If the source of a block is not a literal string, the call counts as one of the whole
repository: planning too much is safe, planning too little is not.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.hcl.reached_paths import reached
from bot.domain.hcl.scanner import HclToken, hcl_tokens

WHOLE_REPOSITORY = "."
_HCL = (".tf", ".tofu")
_JSON = (".tf.json", ".tofu.json")
TERRAFORM_FILES = (*_HCL, *_JSON)
"""Suffixes of files that make a directory a module."""

_START = HclToken(kind="start", text="")
_WORD_MODULE = HclToken(kind="word", text="module")
_WORD_SOURCE = HclToken(kind="word", text="source")
_EQUALS = HclToken(kind="sign", text="=")


def local_module_calls(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return directory -> local modules it calls and outside paths it names, from path -> text.

    Paths are sorted and relative to the repository, whose root is `.`; files of other types are ignored.
    """
    calls: dict[str, set[str]] = {}
    for path, text in files.items():
        if path.endswith(_JSON):
            sources, texts = _json_sources(text), _json_texts(text)
        elif path.endswith(_HCL):
            sources, texts = _hcl_sources(text), (token.written for token in hcl_tokens(text))
        else:
            continue
        directory = posixpath.dirname(path) or "."
        if ".." in text and (elsewhere := reached(directory, texts)):
            calls.setdefault(directory, set()).update(elsewhere)
        for source in sources:
            called = _directory(directory, source)
            if called is not None:
                calls.setdefault(directory, set()).add(called)
    return {directory: tuple(sorted(called)) for directory, called in calls.items()}


def called_directories(directory: str, calls: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return every directory that `directory` calls, also indirectly, and named files."""
    found: set[str] = set()
    waiting = [directory]
    while waiting:
        for called in calls.get(waiting.pop(), ()):
            if called not in found:
                found.add(called)
                waiting.append(called)
    return frozenset(found - {directory})


def _directory(caller: str, source: str | None) -> str | None:
    """Return the directory of a local source, None if it is not in this repository."""
    if source is None:
        return WHOLE_REPOSITORY
    if not source.startswith(("./", "../")) and source not in {".", ".."}:
        return None
    path = posixpath.normpath(posixpath.join(caller, source))
    return None if path.split("/")[0] == ".." else path


def _json_sources(text: str) -> Iterator[str | None]:
    try:
        root = json.loads(text, object_pairs_hook=all_values)
    except (ValueError, RecursionError):
        # Terraform's reader of JSON may be more patient than ours.
        yield None
        return
    for block in objects(root):
        for labelled in objects(block.get("module")):
            for calls in labelled.values():
                for call in objects(calls):
                    source = call.get("source")
                    constant = isinstance(source, str) and "${" not in source and "%{" not in source
                    yield source if constant else None


def _json_texts(text: str) -> Iterator[str]:
    """Yield every string of a JSON file; an unreadable one counts as a call of everything."""
    try:
        waiting = [json.loads(text, object_pairs_hook=all_values)]
    except (ValueError, RecursionError):
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)


def all_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keep every value of a repeated key: Terraform reads them as several blocks."""
    grouped: dict[str, list[Any]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in grouped.items()}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a value that may be one object or nested lists of objects."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
        elif isinstance(one, list):
            waiting.extend(one)


def _hcl_sources(text: str) -> Iterator[str | None]:
    """Yield the source of each top-level module block; None if it is not a literal string."""
    depth, recent = 0, (_START, _START, _START)
    in_module, sources = False, list[str | None]()
    for token in hcl_tokens(text):
        if token.kind == "sign" and token.text == "{":
            if depth == 0 and _WORD_MODULE in recent[1:]:
                in_module, sources = True, []
            depth += 1
        elif token.kind == "sign" and token.text == "}":
            depth = max(0, depth - 1)
        elif in_module and depth == 1 and recent[1:] == (_WORD_SOURCE, _EQUALS):
            sources.append(token.text if token.kind == "text" else None)
        if (
            in_module
            and depth <= 1
            and recent[:2] == (_WORD_SOURCE, _EQUALS)
            and token.text not in {"\n", "}"}
        ):
            # An expression continues after the text, so its value is unknown.
            sources.append(None)
        if in_module and depth == 0:
            yield from sources or [None]
            in_module = False
        recent = (*recent[1:], token)
    if in_module:
        yield from sources or [None]
