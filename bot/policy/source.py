"""YAML text to plain values and the line of each; YAML's richer types are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 20
_MAX_VALUES = 20_000
_MAX_PROBLEMS = 50
_MAX_KEY = 60
_TAG = "tag:yaml.org,2002:"
_UNREADABLE = re.compile("[\ufffd\ud800-\udfff]")

Path = tuple[str | int, ...]


@dataclass(slots=True, kw_only=True)
class Source:
    """A read file: `data` of dicts, lists and scalars, and the line of each value."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """First line, from 1, of each value; of a mapping's value the line of its key."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line and sentence."""
    values: int = 0

    def line(self, path: Path) -> int:
        """Return the line of the value, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_source(text: str) -> Source:
    """Read one YAML document; problems of the YAML itself leave `data` None."""
    source = Source()
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "replace")) > MAX_BYTES:
        source.problems.append((1, f"is larger than {MAX_BYTES // 1024} KB"))
        return source
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        source.problems.append((_line_at(text, unreadable.start()), "holds bytes that are not UTF-8"))
        return source
    root = _compose(text, source)
    if source.problems:
        return source
    if not isinstance(root, MappingNode):
        source.problems.append((1, "must be a mapping that begins with `version: 1`"))
        return source
    data = _Reader(source).read(root, (), frozenset())
    source.data = None if source.problems else data
    return source


def _compose(text: str, source: Source) -> Node | None:
    # Only the tree of nodes is taken: the constructor, which knows objects and dates, never runs.
    yaml = YAML(typ="rt", pure=True)
    yaml.max_depth = _MAX_DEPTH
    yaml.composer.warn_double_anchors = False
    try:
        root: Node | None = yaml.compose(StringIO(text))
    except MaxDepthExceededError as error:
        source.problems.append((_marked(error), f"is nested deeper than {_MAX_DEPTH} levels"))
    except MarkedYAMLError as error:
        source.problems.append((_marked(error), f"is not valid YAML: {_sentence(error)}"))
    except ReaderError as error:
        line = _line_at(text, error.position)
        source.problems.append((line, f"holds the character U+{error.character:04X}, which YAML forbids"))
    except (YAMLError, RecursionError, ValueError) as error:
        # Some versions of the parser crash on odd input instead of refusing it.
        source.problems.append((1, f"is not valid YAML ({type(error).__name__})"))
    else:
        return root
    return None


def _marked(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return int(mark.line) + 1 if mark else 1


def _sentence(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "cannot be read")
    if problem.startswith("but ") and error.context:
        problem = f"{error.context} {problem}"
    if r"'\t'" in problem:
        return "a tab where YAML wants spaces"
    return " ".join(problem.split())


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


class _Reader:
    """Turns nodes into plain values; aliases are followed, within limits."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, node: Node, path: Path, above: frozenset[int]) -> Any:
        source = self._source
        source.values += 1
        source.lines.setdefault(path, self._line(node))
        if source.values > _MAX_VALUES:
            if source.values == _MAX_VALUES + 1:
                source.problems.append((self._line(node), f"has more than {_MAX_VALUES} values"))
            return None
        if id(node) in above or len(path) > _MAX_DEPTH:
            what = "contains itself" if id(node) in above else f"is nested deeper than {_MAX_DEPTH} levels"
            self._problem(node, path, what)
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if str(node.tag) not in {f"{_TAG}map", f"{_TAG}seq"}:
            self._problem(node, path, f"has the tag {node.tag}, which is not allowed here")
            return None
        above |= {id(node)}
        if isinstance(node, MappingNode):
            return self._mapping(node, path, above)
        return [self.read(item, (*path, at), above) for at, item in enumerate(node.value)]

    def _mapping(self, node: MappingNode, path: Path, above: frozenset[int]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key_node.tag == f"{_TAG}merge":
                for name, value in self._merged(value_node, path, above).items():
                    merged.setdefault(name, value)
                continue
            where = (*path, key)
            if key in result:
                first = self._source.lines[where]
                self._problem(key_node, where, f"is given twice (first on line {first})")
                continue
            self._source.lines[where] = self._line(key_node)
            result[key] = self.read(value_node, where, above)
        return merged | result

    def _merged(self, node: Node, path: Path, above: frozenset[int]) -> dict[str, Any]:
        """Return what `<<` adds; its values keep the lines where they were written."""
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        result: dict[str, Any] = {}
        for one in nodes:
            value = self.read(one, (*path, "<<"), above)
            if not isinstance(value, dict):
                self._problem(node, (*path, "<<"), "must be a mapping or a list of mappings")
                continue
            for name in value:
                self._source.lines.setdefault((*path, name), self._source.line((*path, "<<", name)))
            result = value | result
        return result

    def _key(self, node: Node, path: Path) -> str | None:
        if isinstance(node, ScalarNode):
            return str(node.value)
        self._problem(node, path, "has a key that is not plain text")
        return None

    def _scalar(self, node: Node, path: Path) -> Any:
        value = str(node.value)
        match str(node.tag).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                # A file that says `%YAML 1.1` has the older words, too.
                return value.lower() in {"true", "yes", "on", "y"}
            case "int" | "float":
                return self._number(node, path, value)
            case _ if _UNREADABLE.search(value):
                self._problem(node, path, "holds a character that is not text")
                return None
            case "str" | "timestamp" | "value" | "merge" | "binary":
                return value
            case other:
                self._problem(node, path, f"has the tag {other}, which is not allowed here")
                return None

    def _number(self, node: Node, path: Path, value: str) -> int | float | None:
        plain = value.replace("_", "").lower()
        try:
            if str(node.tag).endswith(":int"):
                return _bounded(int(plain, 0))
            return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            self._problem(node, path, "is not a number; put it in quotes if it is text")
            return None

    def _line(self, node: Node) -> int:
        return int(node.start_mark.line) + 1 if node.start_mark else 1

    def _problem(self, node: Node, path: Path, sentence: str) -> None:
        if len(self._source.problems) < _MAX_PROBLEMS:
            self._source.problems.append((self._line(node), f"{dotted(path)}: {sentence}"))


def _bounded(number: int) -> int:
    # No setting needs larger ones, and Python refuses to write the largest in decimal.
    if abs(number) >= 1 << 63:
        raise ValueError
    return number


def dotted(path: Path) -> str:
    """Return the path as people write it, on one line whatever its keys hold."""
    shown = (str(part) if len(str(part)) <= _MAX_KEY else f"{str(part)[:_MAX_KEY]}…" for part in path)
    return "".join(char if char.isprintable() else "?" for char in ".".join(shown)) or "file"
