"""What twins are compared by, read from their files and states. Values of variables are never read; it never raises."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.hcl_attributes import read_hcl

LOCK_FILE: Final = ".terraform.lock.hcl"
_JSON: Final = (".tf.json", ".tofu.json")
_HCL: Final = (".tf", ".tofu")
_PUBLIC_REGISTRIES: Final = ("registry.terraform.io/", "registry.opentofu.org/")


def variables_set(path: str, text: str) -> frozenset[str]:
    """Return the names that a var file sets, each as `var.NAME`."""
    if path.endswith(".json"):
        names: Any = _parsed(text)
        names = names if isinstance(names, dict) else ()
    else:
        names = read_hcl(text).attributes
    return frozenset(f"var.{name}" for name in names)


def locked_providers(text: str) -> dict[str, str]:
    """Return `provider.NAMESPACE/TYPE` -> exact version from the text of a provider lock file."""
    return {
        f"provider.{_short(block.labels[0])}": block.texts.get("version", "no version")
        for block in read_hcl(text).blocks
        if block.type == "provider" and block.labels
    }


def called_modules(files: Mapping[str, str]) -> dict[str, str]:
    """Return `module.NAME` -> its source and version as written, from the files (name -> text) of one directory.

    What is no plain text is `an expression`.
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
    """Whether a file says something of providers or modules."""
    return path.endswith((*_HCL, *_JSON, LOCK_FILE))


def asks_for_providers(files: Mapping[str, str]) -> bool:
    """Whether the files of a directory name providers, so that a lock file belongs to them."""
    return any(path != LOCK_FILE and "required_providers" in text for path, text in files.items())


def resource_counts(state: bytes) -> dict[str, str]:
    """Return resource type -> how many of it a state (version 4) holds; data sources are not counted."""
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
    """Leave out the host of the public registries, which everybody leaves out."""
    for registry in _PUBLIC_REGISTRIES:
        address = address.removeprefix(registry)
    return address


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
