"""Where two recordings of one experiment differ: what was found, and the shapes of the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.recorder.model import Json, Recording

_GOOD = 300
Shapes = dict[str, dict[str, set[str]]]


def differences(recorded: Recording, stand_in: Recording) -> list[str]:
    """Return what the stand-in does otherwise than what was recorded; nothing where it does the same."""
    return [*_facts(recorded.facts, stand_in.facts), *_shapes(recorded, stand_in)]


def _facts(recorded: Json, stand_in: Json) -> Iterator[str]:
    for name in sorted({*recorded, *stand_in}):
        if recorded.get(name) != stand_in.get(name):
            yield f"{name}: recorded {recorded.get(name)!r}, the stand-in gives {stand_in.get(name)!r}"


def _shapes(recorded: Recording, stand_in: Recording) -> Iterator[str]:
    """Only requests that both have answered are compared, and a field that was null fits any other."""
    theirs, ours = _shapes_of(recorded), _shapes_of(stand_in)
    for request in sorted(theirs.keys() & ours.keys()):
        for path, kinds in sorted(ours[request].items()):
            if path not in theirs[request]:
                # Of an object that is missing its own name is enough.
                if path.rpartition(".")[0] in theirs[request] and not _below_nothing(path, theirs[request]):
                    yield f"{request}: only the stand-in answers {path}"
            elif not (kinds & theirs[request][path]) and "null" not in kinds | theirs[request][path]:
                yield f"{request}: {path} is {_words(theirs[request][path])}, the stand-in gives {_words(kinds)}"


def _words(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds))


def _below_nothing(path: str, shape: dict[str, set[str]]) -> bool:
    """Whether a field lies in an object that was null, or in a list that was empty, wherever it was recorded."""
    while path:
        path = path.rpartition(".")[0]
        if path in shape:
            return shape[path] <= {"null", "list"} and not any(name.startswith(f"{path}.") for name in shape)
    return False


def _shapes_of(recording: Recording) -> Shapes:
    shapes: Shapes = defaultdict(lambda: defaultdict(set))
    for each in recording.exchanges:
        if each["status"] < _GOOD:
            for path, kind in _fields("answer", each["answer"]):
                shapes[f"{each['method']} {each['route']} {each['status']}"][path].add(kind)
    return shapes


def _fields(path: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            yield path, "object"
            for name, each in value.items():
                yield from _fields(f"{path}.{name}", each)
        case list():
            yield path, "list"
            for each in value:
                yield from _fields(f"{path}.[]", each)
        case None:
            yield path, "null"
        case bool():
            yield path, "bool"
        case int() | float():
            yield path, "number"
        case _:
            yield path, "text"
