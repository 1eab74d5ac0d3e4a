"""Read top-level attributes and literal strings of top-level blocks from HCL.

It never raises and evaluates nothing: expressions have no value here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.hcl.scanner import HclToken, hcl_tokens

_OPEN, _CLOSE, _LINE_END, _EQUALS = (HclToken(kind="sign", text=text) for text in ("{", "}", "\n", "="))
_PLAIN_ATTRIBUTE = 3
"""Tokens of an attribute: name, `=` and text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HclBlock:
    """A top-level block, such as `module "net" { source = "./net" }`."""

    type: str
    labels: tuple[str, ...]
    texts: Mapping[str, str]
    """Attribute -> value, for literal strings only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HclFile:
    """The top level of a file."""

    attributes: frozenset[str]
    """Attribute names."""
    blocks: tuple[HclBlock, ...]


@dataclass(slots=True)
class _Reading:
    depth: int = 0
    line: list[HclToken] = field(default_factory=list)
    """The tokens since the last line end or brace."""
    head: list[str] | None = None
    """Type and labels of the open top-level block."""
    texts: dict[str, str] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    blocks: list[HclBlock] = field(default_factory=list)

    def open(self) -> None:
        is_value = _EQUALS in self.line
        if self.depth == 0:
            self.end_line()
            named = bool(self.line) and self.line[0].kind == "word" and not is_value
            self.head = [token.text for token in self.line] if named else None
            self.texts = {}
        self.depth += 1
        self.line = []

    def close(self) -> None:
        self.end_line()
        self.depth = max(0, self.depth - 1)
        if self.depth == 0 and self.head is not None:
            kind, *labels = self.head
            self.blocks.append(HclBlock(type=kind, labels=tuple(labels), texts=self.texts))
            self.head = None
        self.line = []

    def end_line(self) -> None:
        if len(self.line) < _PLAIN_ATTRIBUTE - 1 or self.line[0].kind != "word" or self.line[1] != _EQUALS:
            return
        name, value = self.line[0].text, self.line[2:]
        if self.depth == 0:
            self.attributes.add(name)
        elif self.depth == 1 and self.head is not None and [token.kind for token in value] == ["text"]:
            self.texts[name] = value[0].text


def read_hcl(source: str) -> HclFile:
    """Return the attributes and blocks at the top level of a file."""
    reading = _Reading()
    for token in hcl_tokens(source):
        if token == _OPEN:
            reading.open()
        elif token == _CLOSE:
            reading.close()
        elif token == _LINE_END:
            reading.end_line()
            reading.line = []
        else:
            reading.line.append(token)
    reading.end_line()
    return HclFile(attributes=frozenset(reading.attributes), blocks=tuple(reading.blocks))
