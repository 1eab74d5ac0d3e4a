"""Split a comment's command line into words; pure, and never raises."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]*+")
_CODE_INDENT = 4
_SPACE_CATEGORIES = frozenset({"Zs", "Zl", "Zp"})
_PLAIN_WORD = re.compile(r"[\w@%+=:,./\[\]-]++", re.ASCII)

# Each alternative begins with a different character and never gives back what it took, so that reading is
# linear. A double quote right after `[` belongs to an index key such as `a.b["key"]` and is kept: people
# who write in a comment box have no shell that would eat it.
_PIECE = re.compile(
    r"""(?P<key>(?<=\[)"(?:[^"\\]|\\.)*+")
      | '(?P<single>[^']*+)'
      | "(?P<double>(?:[^"\\]|\\.)*+)"
      | \\(?P<escaped>.)
      | (?P<plain>[^\s'"\\\[]++|\[)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_IN_DOUBLE = re.compile(r"""\\(["\\])""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a line, quotes resolved."""

    text: str
    start: int
    """Offset of the word in the line."""
    end: int
    """Offset in the line behind the word."""
    quoted: bool
    """Whether it began with a quote; such a word is never an option or a keyword."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbalanced:
    """A quote that is opened and never closed, or a backslash at the end of the line."""

    mark: str


def first_line(body: str) -> str | None:
    """Return the first non-blank line, cleaned; None where it is indented code or missing.

    Cleaned means: every kind of space is a plain one, and invisible characters (zero-width, control,
    direction marks, lone surrogates) are gone, because a command must be what its reader sees.
    """
    at = 0
    while at < len(body):
        match = _LINE.match(body, at)
        end = match.end() if match else len(body)
        line = _clean(body[at:end])
        if line.strip():
            indent = len(line) - len(line.lstrip())
            return None if indent >= _CODE_INDENT else line.strip()
        at = end + 1
    return None


def next_word(line: str, at: int) -> Word | Unbalanced | None:
    """Read the word that starts at or after `at`; None at the end of the line."""
    while at < len(line) and line[at] == " ":
        at += 1
    start, pieces = at, []
    while at < len(line) and line[at] != " ":
        piece = _PIECE.match(line, at)
        if piece is None:
            return Unbalanced(mark=line[at])
        pieces.append(_resolved(piece))
        at = piece.end()
    if at == start:
        return None
    quoted = line[start] in "'\"\\"
    text = "".join(pieces)
    # Phones turn two hyphens into an em dash while one types.
    if not quoted and text.startswith("—"):
        text = "--" + text[1:]
    return Word(text=text, start=start, end=at, quoted=quoted)


def quote(word: str) -> str:
    """Return the word as it must be typed so that `next_word` reads it back."""
    if _PLAIN_WORD.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _resolved(piece: re.Match[str]) -> str:
    if piece.lastgroup == "double":
        return _ESCAPED_IN_DOUBLE.sub(r"\1", piece["double"])
    return str(piece[piece.lastgroup or 0])


def _clean(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return "".join(_visible(char) for char in line)


def _visible(char: str) -> str:
    # A tab at the start of a line is an indent of four.
    if char == "\t":
        return "    "
    if unicodedata.category(char) in _SPACE_CATEGORIES:
        return " "
    return char if char.isprintable() else ""
