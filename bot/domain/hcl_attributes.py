"""Reading plain facts from HCL: which attributes stand at the top, and the plain texts of top-level blocks.

It never raises, and evaluates nothing: what is no plain text has no value here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.hcl import HclToken, hcl_tokens

_OPEN, _CLOSE, _LINE_END, _EQUALS = (HclToken(kind="sign", text=text) for text in ("{", "}", "\n", "="))
_PLAIN_ATTRIBUTE = 3
"""Tokens of one: its name, `=` and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HclBlock:
    """A block at the top of a file, such as `module "net" { source = "./net" }`."""

    type: str
    labels: tuple[str, ...]
    texts: Mapping[str, str]
    """Attribute -> its value, of those that are plain texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HclFile:
    """What stands at the top of a file."""

    attributes: frozenset[str]
    """Names."""
    blocks: tuple[HclBlock, ...]


@dataclass(slots=True)
class _Reading:
    depth: int = 0
    line: list[HclToken] = field(default_factory=list)
    """The tokens since the last line end or brace."""
    head: list[str] | None = None
    """Type and labels of the top-level block that is open."""
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
    """Return what stands at the top of a file."""
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
