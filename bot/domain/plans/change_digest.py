"""The change digest of a plan: one hash to which approvals and gate results are bound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_CHANGE_KEYS = ("actions", "after_unknown", "replace_paths", "importing")


def change_digest(
    *,
    resources: Iterable[Mapping[str, Any]],
    outputs: Mapping[str, Mapping[str, Any]],
    drift: Iterable[Mapping[str, Any]],
    arguments: Sequence[str],
) -> str:
    """Return the SHA-256 (hexadecimal) of the canonical JSON of a plan's changes.

    `resources` and `drift` are items of Terraform's `resource_changes` and `resource_drift`. Data sources
    that are read during the apply are included, because they influence what is applied. Sensitive values are
    included as their own SHA-256, so that a changed secret changes the digest and no secret is kept.
    Timestamps, the Terraform version and the order of items are left out; the order of arguments is not.
    """
    canonical = {
        "version": 1,
        "resources": sorted(_canonical(_resource(item)) for item in resources),
        "outputs": sorted(_canonical({"name": name, **_change(change)}) for name, change in outputs.items()),
        "drift": sorted(_canonical(_resource(item)) for item in drift),
        "arguments": list(arguments),
    }
    return hashlib.sha256(_canonical(canonical).encode("ascii")).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _resource(item: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("address", "previous_address", "deposed")
    return {**{key: item.get(key) for key in keys}, **_change(item.get("change") or {})}


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    sides = {side: _hashed(change.get(side), change.get(f"{side}_sensitive")) for side in ("before", "after")}
    kept = {key: change.get(key) for key in _CHANGE_KEYS}
    kept["replace_paths"] = sorted(_canonical(path) for path in kept["replace_paths"] or ())
    return {**kept, **sides}


def _hashed(value: Any, marks: Any) -> Any:
    """Return `value` with every value that `marks` declares sensitive replaced by its hash."""
    if marks is True:
        return {"sensitive_sha256": hashlib.sha256(_canonical(value).encode("ascii")).hexdigest()}
    if isinstance(marks, Mapping) and isinstance(value, Mapping):
        return {key: _hashed(inner, marks.get(key)) for key, inner in value.items()}
    if isinstance(marks, list) and isinstance(value, list):
        padded = [*marks, *[None] * (len(value) - len(marks))]
        return [_hashed(inner, mark) for inner, mark in zip(value, padded, strict=False)]
    return value
