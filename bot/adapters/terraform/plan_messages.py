"""Read the parts of a saved plan that Terraform does not show: its backend and variables.

A saved plan is a protocol buffers message with MessagePack values. A program of a pull request may have
written it, so it is read strictly: the engine would merge a field that occurs twice. ValueError is raised for
everything that cannot be read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any, Final

LARGEST_BACKEND = 1 << 20
"""Bytes of the settings of a backend."""
_PLAN_VARIABLES, _PLAN_BACKEND = 2, 13
_KEY, _VALUE = 1, 2
_TEXT: Final = b'\x92\xc4\x08"string"'
_TYPE, _CONFIG, _WORKSPACE, _MSGPACK = 1, 2, 3, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_CHUNK = 1 << 16
_MORE = 0x80
"""The bit of a byte that marks that the number continues."""
# How MessagePack's first bytes begin a value; where a size or number follows, how it is written.
_CONSTANTS: Final = {0xC0: None, 0xC2: False, 0xC3: True}
_SMALL, _SHORT_MAP, _SHORT_LIST, _SHORT_TEXT, _NEGATIVE = (
    range(0x80),
    range(0x80, 0x90),
    range(0x90, 0xA0),
    range(0xA0, 0xC0),
    range(0xE0, 0x100),
)
_NUMBERS: Final = dict(
    zip(range(0xCA, 0xD4), (">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"), strict=True)
)
_TEXTS: Final = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS: Final = {0xDC: ">H", 0xDD: ">I"}
_MAPS: Final = {0xDE: ">H", 0xDF: ">I"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBackend:
    """Where the state of a saved plan is."""

    type: str
    workspace: str
    config: Any
    """Its settings by name, as JSON would give them."""


def planned_backend(plan: IO[bytes]) -> PlannedBackend:
    """Return the backend of a plan message; of everything else only its length is read."""
    (found,) = _only(_fields(plan, {_PLAN_BACKEND}), {_PLAN_BACKEND})
    kind, config, workspace = _only(
        _fields(BytesIO(found), {_TYPE, _CONFIG, _WORKSPACE}), {_TYPE, _CONFIG, _WORKSPACE}
    )
    (packed,) = _only(_fields(BytesIO(config), {_MSGPACK}), {_MSGPACK})
    try:
        return PlannedBackend(
            type=kind.decode(), workspace=workspace.decode(), config=_MessagePack(packed).whole()
        )
    except RecursionError as error:
        raise ValueError("its settings are nested too deeply") from error


def planned_variables(plan: IO[bytes]) -> dict[str, str | None]:
    """Return the variables that a plan was given, with the value of those that are text."""
    found: dict[str, str | None] = {}
    for _, entry in _fields(plan, {_PLAN_VARIABLES}):
        key, value = _only(_fields(BytesIO(entry), {_KEY, _VALUE}), {_KEY, _VALUE})
        (packed,) = _only(_fields(BytesIO(value), {_MSGPACK}), {_MSGPACK})
        name = key.decode()
        if name in found:
            raise ValueError("a variable stands there twice")
        # A value of any type is a list of its type and itself.
        found[name] = _MessagePack(packed[len(_TEXT) :]).whole() if packed.startswith(_TEXT) else None
    return found


def _only(fields: Iterator[tuple[int, bytes]], numbers: set[int]) -> list[bytes]:
    found: dict[int, bytes] = {}
    for number, content in fields:
        if number in found:
            raise ValueError(f"field {number} stands there twice")
        found[number] = content
    if missing := numbers - found.keys():
        raise ValueError(f"there is no field {min(missing)}")
    return [found[number] for number in sorted(found)]


def _fields(message: IO[bytes], wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the requested fields of a message."""
    while (tag := _varint(message, may_end=True)) is not None:
        number, kind = tag >> 3, tag & 7
        if number in wanted and kind != _BYTES:
            raise ValueError(f"field {number} is of another kind")
        if kind == _VARINT:
            _varint(message)
        elif kind == _FIXED64:
            _skip(message, 8)
        elif kind == _FIXED32:
            _skip(message, 4)
        elif kind == _BYTES:
            size = _varint(message) or 0
            if number in wanted:
                yield number, _exactly(message, size)
            else:
                _skip(message, size)
        else:
            raise ValueError(f"field {number} is of an unknown kind")


def _varint(message: IO[bytes], *, may_end: bool = False) -> int | None:
    value = 0
    for place in range(_LONGEST_VARINT):
        read = message.read(1)
        if not read:
            if may_end and place == 0:
                return None
            break
        value |= (read[0] & ~_MORE) << (7 * place)
        if read[0] < _MORE:
            return value
    raise ValueError("a number has no end")


def _skip(message: IO[bytes], size: int) -> None:
    while size:
        read = message.read(min(size, _CHUNK))
        if not read:
            raise ValueError("it ends too early")
        size -= len(read)


def _exactly(message: IO[bytes], size: int) -> bytes:
    content = message.read(size) if size <= LARGEST_BACKEND else b""
    if len(content) != size:
        raise ValueError("it ends too early, or is too large")
    return content


class _MessagePack:
    """One value, as plain Python."""

    def __init__(self, packed: bytes) -> None:
        self._packed = BytesIO(packed)

    def whole(self) -> Any:
        value = self._value()
        if self._packed.read(1):
            raise ValueError("something follows its settings")
        return value

    def _value(self) -> Any:
        (first,) = self._take(1)
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        if first in _NUMBERS:
            return self._number(_NUMBERS[first])
        if first in _SMALL or first in _NEGATIVE:
            return first if first in _SMALL else first - 0x100
        if first in _SHORT_TEXT or first in _TEXTS:
            return self._take(self._size(first, _SHORT_TEXT, _TEXTS)).decode()
        if first in _SHORT_LIST or first in _LISTS:
            return [self._value() for _ in range(self._size(first, _SHORT_LIST, _LISTS))]
        if first in _SHORT_MAP or first in _MAPS:
            return self._map(self._size(first, _SHORT_MAP, _MAPS))
        raise ValueError("its settings hold what no backend has")

    def _map(self, size: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for _ in range(size):
            name = self._value()
            if not isinstance(name, str) or name in found:
                raise ValueError("its settings are no settings")
            found[name] = self._value()
        return found

    def _size(self, first: int, short: range, longer: Mapping[int, str]) -> int:
        return int(self._number(longer[first])) if first in longer else first - short.start

    def _number(self, how: str) -> int | float:
        value: int | float = struct.unpack(how, self._take(struct.calcsize(how)))[0]
        return value

    def _take(self, size: int) -> bytes:
        taken = self._packed.read(size)
        if len(taken) != size:
            raise ValueError("its settings end too early")
        return taken
