"""A minimal HCL scanner that finds blocks and literal strings; never raises, linear time.

Strings, heredocs, templates and comments can be nested, so a brace or quote inside one of them never ends a
block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CODE = re.compile(
    r"""(?P<skip>[ \t\r\f\v\ufeff]++|\#[^\n]*+|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)
      | (?P<heredoc><<-?(?P<mark>[^\W\d][\w-]*+)[ \t\r]*\n)
      | (?P<word>[^\W\d][\w-]*+)
      | (?P<quote>")
      | (?P<sign>[{}=\n])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_TEXT = re.compile(
    r"""(?P<escape>\\.?|\$\$\{|%%\{)
      | (?P<template>[$%]\{)
      | (?P<quote>")
      | (?P<end>\n)
      | (?P<chunk>[^"\\$%\n]++|[$%])""",
    re.VERBOSE | re.DOTALL,
)
_HEREDOC = re.compile(
    r"""(?P<escape>\$\$\{|%%\{) | (?P<template>[$%]\{) | (?P<line>\n) | (?P<chunk>[^$%\n]++|[$%])""",
    re.VERBOSE,
)
_QUOTE = '"'
_HEREDOC_SIGN = "<<"
_PLAIN = re.compile(r"[^\\\n$%]*+(?:[$%](?![{$%])[^\\\n$%]*+)*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HclToken:
    """A token outside of strings, or a whole string."""

    kind: str
    """`word`, `sign` (braces, `=`, line end), `text` (literal string), `template` (any other string) or
    `other`."""
    text: str
    """The content of a literal string without quotes; empty for templates."""
    written: str = field(default="", repr=False, compare=False)
    """The unevaluated content of a string or template."""


def hcl_tokens(source: str) -> Iterator[HclToken]:
    """Yield the tokens of a file, without comments and blanks."""
    # What is open, innermost last: a text, a heredoc (with its mark), a template or a brace inside one.
    nesting: list[str] = []
    at = begin = 0
    while at < len(source):
        token = _rule(nesting).match(source, at)
        if token is None:
            return
        at = token.end()
        kind = str(token.lastgroup)
        if nesting or kind in {"quote", "heredoc"}:
            begin = begin if nesting else at
            at = _follow(nesting, token, source, at)
            if not nesting:
                yield _text_token(source[begin - 1 : token.start()])
        elif kind != "skip":
            yield HclToken(kind=kind, text=token[0])


def _rule(nesting: list[str]) -> re.Pattern[str]:
    if nesting and nesting[-1] == _QUOTE:
        return _TEXT
    return _HEREDOC if nesting and nesting[-1].startswith(_HEREDOC_SIGN) else _CODE


def _follow(nesting: list[str], token: re.Match[str], source: str, at: int) -> int:
    """Open or close the nesting that a token starts or ends; return the next position."""
    kind, text = token.lastgroup, token[0]
    in_text = bool(nesting) and nesting[-1] == _QUOTE
    if kind == "quote" and not in_text:
        nesting.append(_QUOTE)
    elif kind in {"quote", "end"} or (kind == "sign" and text == "}"):
        # A text that is not closed on its line is an error of Terraform's; it ends there.
        nesting.pop()
    elif kind == "template" or (kind == "sign" and text == "{"):
        nesting.append("{")
    elif kind == "heredoc":
        nesting.append(_HEREDOC_SIGN + token["mark"])
    if kind in {"heredoc", "line"}:
        return _behind_heredoc(nesting, source, at)
    return at


def _behind_heredoc(nesting: list[str], source: str, at: int) -> int:
    """Close the heredoc if the line at `at` is its end marker; return the next position."""
    end = source.find("\n", at)
    end = len(source) if end < 0 else end
    if source[at:end].strip(" \t\r") == nesting[-1].removeprefix(_HEREDOC_SIGN):
        nesting.pop()
        return end
    return at


def _text_token(content: str) -> HclToken:
    """Return the token of the string or heredoc that the first character of `content` opened."""
    if content.startswith(_QUOTE) and _PLAIN.fullmatch(content, 1):
        return HclToken(kind="text", text=content[1:], written=content[1:])
    return HclToken(kind="template", text="", written=content[1:])
