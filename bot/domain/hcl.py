"""A scanner of HCL that knows just enough to find blocks and plain texts; it never raises and is linear.

Texts, heredocs, the templates inside them and comments nest in one another, so that a brace or a quote inside one
of them is never taken for the end of a block.
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
    """A piece of code outside of every text."""

    kind: str
    """`word`, `sign` (braces, `=`, line end), `text` (plain), `template` (any other text) or `other`."""
    text: str
    """The text's content without quotes; empty for templates."""
    written: str = field(default="", repr=False, compare=False)
    """The content of a text, of a template too, as it stands there."""


def hcl_tokens(source: str) -> Iterator[HclToken]:
    """Yield the tokens of a file; comments and blanks are left out."""
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
    """Open or close what the token opens or closes; returns where to go on."""
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
    """Close the heredoc if the line at `at` is its mark; returns where to go on."""
    end = source.find("\n", at)
    end = len(source) if end < 0 else end
    if source[at:end].strip(" \t\r") == nesting[-1].removeprefix(_HEREDOC_SIGN):
        nesting.pop()
        return end
    return at


def _text_token(content: str) -> HclToken:
    """Return the token for what was opened by the first character of `content`: a quote, or a heredoc's line end."""
    if content.startswith(_QUOTE) and _PLAIN.fullmatch(content, 1):
        return HclToken(kind="text", text=content[1:], written=content[1:])
    return HclToken(kind="template", text="", written=content[1:])
