"""Version constraints of module calls, and providers chosen by lock files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping

from bot.domain.hcl.module_calls import all_values, objects
from bot.domain.hcl.scanner import HclToken, hcl_tokens

_HASHES = ("h1:", "zh:")
"""Prefixes of the hashes that engines compare; they ignore all others."""
_HCL = (".tf", ".tofu")
_JSON = (".tf.json", ".tofu.json")


def module_constraints(files: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    """Return directory -> module call -> version constraint, from path -> code.

    The constraint is empty if there is none, and None if it is not a literal string. Never raises.
    """
    found: dict[str, dict[str, str | None]] = {}
    for path, text in files.items():
        if path.endswith(_JSON):
            calls = _json_calls(text)
        elif path.endswith(_HCL):
            calls = _blocks(text, "module")
        else:
            continue
        found.setdefault(directory_of(posixpath.dirname(path)), {}).update(calls)
    return found


def locked_providers(text: str | None) -> dict[str, str]:
    """Return provider address -> chosen version from a `.terraform.lock.hcl`. Never raises."""
    return {address: version for address, version in _blocks(text or "", "provider") if version}


def unhashed_providers(text: str | None) -> tuple[str, ...]:
    """Return the providers of a lock file without a hash that engines compare. Never raises."""
    found: dict[str, bool] = {}
    name: str | None = None
    depth = 0
    recent = [HclToken(kind="start", text="")] * 2
    for token in hcl_tokens(text or ""):
        if token.kind == "sign" and token.text == "{":
            if depth == 0 and recent[0].text == "provider":
                name = recent[1].text
                found[name] = False
            depth += 1
        elif token.kind == "sign" and token.text == "}":
            depth = max(0, depth - 1)
        elif depth == 1 and name is not None and token.kind == "text" and token.text.startswith(_HASHES):
            found[name] = True
        recent = [recent[1], token]
    return tuple(address for address, is_hashed in found.items() if not is_hashed)


def is_local(source: str) -> bool:
    """Whether a module source is a local directory."""
    return source in {".", ".."} or source.startswith(("./", "../"))


def directory_of(path: str) -> str:
    """Return a directory in its shortest form, `.` for the root module's own."""
    return posixpath.normpath(path) if path else "."


def _blocks(text: str, kind: str) -> Iterator[tuple[str, str | None]]:
    """Yield label and `version` of each block of a kind; None if not a literal string."""
    depth = 0
    name: str | None = None
    version: str | None = ""
    recent = [HclToken(kind="start", text="")] * 2
    for token in hcl_tokens(text):
        if token.kind == "sign" and token.text == "{":
            if depth == 0 and recent[0].kind == "word" and recent[0].text == kind:
                name, version = recent[1].text, ""
            depth += 1
        elif token.kind == "sign" and token.text == "}":
            depth = max(0, depth - 1)
            if depth == 0 and name is not None:
                yield name, version
                name = None
        elif depth == 1 and [each.text for each in recent] == ["version", "="]:
            version = token.text if token.kind == "text" else None
        recent = [recent[1], token]


def _json_calls(text: str) -> Iterator[tuple[str, str | None]]:
    try:
        root = json.loads(text, object_pairs_hook=all_values)
    except (ValueError, RecursionError):
        return
    for block in objects(root):
        for labelled in objects(block.get("module")):
            for name, calls in labelled.items():
                for call in objects(calls):
                    version = call.get("version", "")
                    yield name, version if isinstance(version, str) else None
