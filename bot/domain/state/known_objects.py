"""The objects that a stored state (format 4) contains, with their addresses and ids.

A state that cannot be read completely counts as unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.domain.secrets.sensitive import scalars

_VERSION: Final = 4
_HEAD: Final = 1000
_SERIAL: Final = re.compile(r'"serial"\s*:\s*(\d{1,15})\b')


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One managed object of a state; data sources are left out, since they are read each time."""

    address: str
    """As Terraform writes it, with module and index; a deposed object ends in `(deposed KEY)`."""
    type: str
    provider: str
    id: str | None
    """None if its type has no id."""
    is_secret: bool = False
    """Whether the id itself is marked as sensitive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownState:
    """A readable state."""

    serial: int
    lineage: str
    objects: tuple[Known, ...]
    secrets: frozenset[str] = field(repr=False)
    """Every value that it marks as sensitive."""


def known_state(data: bytes | None) -> KnownState | None:
    """Return the objects of a state; None if there is no state or it is unreadable."""
    try:
        state = json.loads(data or b"")
        return _read(state) if isinstance(state, Mapping) else None
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None


def with_serial(data: bytes, serial: int) -> bytes:
    """Return a readable state with another serial and no other byte changed."""
    text = data.decode()
    wanted = {**json.loads(text), "serial": serial}
    for found in _SERIAL.finditer(text):
        changed = f"{text[: found.start(1)]}{serial}{text[found.end(1) :]}"
        # A resource may have an attribute of that name as well.
        if json.loads(changed) == wanted:
            return changed.encode()
    raise ValueError("the state has no serial")


def serial_hint(data: bytes | None) -> int:
    """Return the serial that can still be found in damaged bytes; 0 for none.

    Terraform writes it before the resources, whose own serials may be any number.
    """
    found = _SERIAL.search((data or b"")[:_HEAD].decode("utf-8", "replace"))
    return 0 if found is None else int(found[1])


def _read(state: Mapping[str, Any]) -> KnownState | None:
    serial, lineage = state["serial"], state["lineage"]
    readable = state["version"] == _VERSION and type(serial) is int and isinstance(lineage, str)
    if not readable or serial < 0 or not isinstance(state["resources"], list):
        return None
    return KnownState(
        serial=serial,
        lineage=lineage,
        objects=tuple(_objects(state["resources"])),
        secrets=frozenset(_secrets(state)),
    )


def _objects(resources: Sequence[Mapping[str, Any]]) -> Iterator[Known]:
    for resource in resources:
        if resource["mode"] != "managed":
            continue
        module = f"{resource['module']}." if resource.get("module") else ""
        for instance in resource["instances"]:
            attributes = instance.get("attributes") or instance.get("attributes_flat") or {}
            given = attributes.get("id")
            yield Known(
                address=f"{module}{resource['type']}.{resource['name']}{_suffix(instance)}",
                type=str(resource["type"]),
                provider=str(resource.get("provider") or ""),
                id=None if given is None else str(given),
                is_secret=any(
                    path and path[0].get("value") == "id"
                    for path in instance.get("sensitive_attributes") or ()
                ),
            )


def _suffix(instance: Mapping[str, Any]) -> str:
    key = instance.get("index_key")
    index = "" if key is None else f"[{json.dumps(key, ensure_ascii=False)}]"
    deposed = f" (deposed {instance['deposed']})" if instance.get("deposed") else ""
    return index + deposed


def _secrets(state: Mapping[str, Any]) -> Iterator[str]:
    for output in (state.get("outputs") or {}).values():
        if output.get("sensitive"):
            yield from scalars(output.get("value"))
    for resource in state["resources"]:
        for instance in resource["instances"]:
            for path in instance.get("sensitive_attributes") or ():
                yield from scalars(_at(instance.get("attributes"), path))


def _at(value: Any, path: Sequence[Mapping[str, Any]]) -> Any:
    """Follow one of Terraform's paths as far as possible: hiding too much is the safe side."""
    for step in path:
        key = step.get("value")
        key = key.get("value") if isinstance(key, Mapping) else key
        try:
            value = value[int(key)] if isinstance(value, list) and key is not None else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return value
    return value
