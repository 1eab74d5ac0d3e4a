"""Escape foreign text for GitHub's Markdown, so that it has no effect.

Mentions, issue references and links are broken by a zero-width space (`&#8203;`), which GitHub renders
invisibly and does not treat as part of a name. Code spans and fences need none: GitHub notifies nobody from
code.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from bot.domain.core.accounts import Account

_BREAK = "&#8203;"
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_MARKS = re.compile(r"([\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_BLOCK_START = re.compile(r"^(\d*)([-+#=.)])")
_REFERENCE = re.compile(r"@|#(?=\d)|(?i:gh-)(?=\d)|:(?=//)|(?i:www)(?=\.)")
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_PLAIN_CODE = re.compile(r"[^`|\s](?:[^`|]*[^`|\s])?")
_NEEDS_ENTITY = re.compile(r"[!#$%&*+:;<>?@\[\\\]^_`|~]")
_MOST_BYTES_PER_CHARACTER = 3
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'*+,;=%]{1,2000}")


def clean(value: str) -> str:
    """Return text without terminal codes or carriage returns, and with visible characters."""
    text = _ANSI.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return _UNSEEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def one_line(value: str, limit: int) -> str:
    """Return the text on one line, shortened to `limit` characters."""
    line = " ".join(clean(value[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def text(value: str, *, limit: int = 500) -> str:
    """Return foreign prose on one line, without markup, HTML, mention, reference or link.

    Like every function here with `limit` characters, it returns at most three times as many bytes.
    """
    return _bounded(lambda line: _BLOCK_START.sub(r"\1\\\2", _inert(line)), value, limit)


def prose(value: str, *, limit: int = 1000) -> str:
    """Return a sentence whose code spans are kept, with everything else as in `text`."""
    return _bounded(_with_code, value, limit)


def code(value: str | Account, *, limit: int = 300) -> str:
    """Return a code span, also inside tables; as HTML code if a span cannot hold the value."""
    return _bounded(_code, str(value), limit)


def _bounded(escape: Callable[[str], str], value: str, limit: int) -> str:
    """Escape one line, shortened further if escaping makes it more than three times as long."""
    room, characters = _MOST_BYTES_PER_CHARACTER * limit, limit
    escaped = escape(one_line(value, characters))
    while len(escaped.encode()) > room and characters > 1:
        characters //= 2
        escaped = escape(one_line(value, characters))
    return escaped


def _inert(line: str) -> str:
    marked = _MARKS.sub(r"\\\1", html.escape(line, quote=False))
    return _REFERENCE.sub(lambda match: match[0] + _BREAK, marked).replace("$", "<span>$</span>")


def _with_code(line: str) -> str:
    parts = _CODE_SPAN.split(line)
    shown = [_code(part.strip()) if number % 2 else _inert(part) for number, part in enumerate(parts)]
    return _BLOCK_START.sub(r"\1\\\2", "".join(shown))


def _code(line: str) -> str:
    if _PLAIN_CODE.fullmatch(line):
        return f"`{line}`"
    return "<code>" + _NEEDS_ENTITY.sub(lambda match: f"&#{ord(match[0])};", line) + "</code>"


def fence(value: str, language: str = "") -> str:
    """Return a fenced block whose fence is longer than any run of backticks inside."""
    inner = clean(value).strip("\n")
    ticks = "`" * (1 + max([2, *(len(run) for run in re.findall(r"`+", inner))]))
    return f"{ticks}{language}\n{inner}\n{ticks}\n"


def summary(value: str) -> str:
    """Return text for an HTML element such as `<summary>`, where Markdown has no effect."""
    return _REFERENCE.sub(lambda match: match[0] + _BREAK, html.escape(one_line(value, 200)))


def link(label: str, url: str | None) -> str:
    """Return a link, or only its label if there is no valid http(s) address."""
    if url is None or not _URL.fullmatch(url):
        return label
    return f"[{label}](<{url}>)"


def address(url: str) -> str:
    """Return a foreign web address as a link to itself, or as code if it is not http(s)."""
    return f"<{url}>" if _URL.fullmatch(url) else code(url)
