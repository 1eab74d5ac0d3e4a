"""Facts of twins from their files and states, without values of variables; never raises."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.hcl.attributes import read_hcl
from bot.domain.hcl.variables import assigned_variables

LOCK_FILE: Final = ".terraform.lock.hcl"
_JSON: Final = (".tf.json", ".tofu.json")
_HCL: Final = (".tf", ".tofu")
_PUBLIC_REGISTRIES: Final = ("registry.terraform.io/", "registry.opentofu.org/")


def variables_set(path: str, text: str) -> frozenset[str]:
    """Return the names that a var file sets, each as `var.NAME`."""
    return frozenset(f"var.{name}" for name in assigned_variables(path, text))


def locked_providers(text: str) -> dict[str, str]:
    """Return `provider.NAMESPACE/TYPE` -> exact version from a provider lock file."""
    return {
        f"provider.{_short(block.labels[0])}": block.texts.get("version", "no version")
        for block in read_hcl(text).blocks
        if block.type == "provider" and block.labels
    }


def called_modules(files: Mapping[str, str]) -> dict[str, str]:
    """Return `module.NAME` -> source and version as written, from one directory's files.

    `files` maps name to text. A source that is not a literal string is shown as `an expression`.
    """
    found: dict[str, str] = {}
    for path, text in sorted(files.items()):
        if path.endswith(_JSON):
            found |= dict(_json_modules(text))
        elif path.endswith(_HCL):
            found |= {
                f"module.{block.labels[0]}": _origin(block.texts)
                for block in read_hcl(text).blocks
                if block.type == "module" and block.labels
            }
    return found


def is_code(path: str) -> bool:
    """Whether a file declares providers or modules."""
    return path.endswith((*_HCL, *_JSON, LOCK_FILE))


def asks_for_providers(files: Mapping[str, str]) -> bool:
    """Whether the files of a directory name providers, so that a lock file is expected."""
    return any(path != LOCK_FILE and "required_providers" in text for path, text in files.items())


def resource_counts(state: bytes) -> dict[str, str]:
    """Return resource type -> number of resources in a state (format 4), without data sources."""
    counts: Counter[str] = Counter()
    read = _parsed(state)
    resources = read.get("resources") if isinstance(read, dict) else None
    for each in resources if isinstance(resources, list) else ():
        if isinstance(each, dict) and each.get("mode") == "managed":
            instances = each.get("instances")
            counts[str(each.get("type"))] += len(instances) if isinstance(instances, list) else 0
    return {kind: str(count) for kind, count in counts.items() if count}


def _json_modules(text: str) -> Iterator[tuple[str, str]]:
    read = _parsed(text)
    modules = read.get("module") if isinstance(read, dict) else None
    for group in modules if isinstance(modules, list) else [modules]:
        for name, calls in group.items() if isinstance(group, dict) else ():
            for call in calls if isinstance(calls, list) else [calls]:
                texts = call if isinstance(call, dict) else {}
                yield f"module.{name}", _origin({key: str(value) for key, value in texts.items()})


def _origin(texts: Mapping[str, str]) -> str:
    return " ".join([texts.get("source", "an expression"), texts.get("version", "")]).strip()


def _short(address: str) -> str:
    """Return the address without the host of the public registries, which is usually left out."""
    for registry in _PUBLIC_REGISTRIES:
        address = address.removeprefix(registry)
    return address


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
