"""Remove known secret values from text, in the encodings that programs print.

Some values are not searched for, since masking them would hide nothing and make text unreadable:

- values shorter than four characters (`bot.domain.plans.text` masks them by position within a resource's
  diff);
- numbers of fewer than six digits, such as ports, sizes and years;
- literals of JSON and HCL, and a few common words (`admin`, `default`, `prod`, ...): masking a common word
  reveals the secret, and makes addresses and commands unreadable.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from bot.domain.secrets.sensitive import sensitive_values

__all__ = ["MASK", "MIN_LENGTH", "Redactor", "is_secret", "sensitive_values"]

MASK = "(sensitive)"
MIN_LENGTH = 4
MIN_LINE_LENGTH = 8
"""Minimum length of a line of a multi-line secret that is searched for alone; shorter ones are `---` or `}`.
"""

_PIECE = 64
"""Longer values are searched for in pieces of this length, which keeps the time linear on any input."""
_MIN_BASE64_CORE = 6
_LONG_TEXT = 512
"""Text length from which it is faster to first check which secrets can start in it at all."""
_FEW_STARTS = 32
_ENTITIES = tuple(
    str.maketrans(dict(zip("&<>\"'", written.split(), strict=False)))
    for written in (
        "&amp; &lt; &gt;",
        "&amp; &lt; &gt; &quot; &apos;",
        "&amp; &lt; &gt; &quot; &#x27;",
        "&amp; &lt; &gt; &quot; &#39;",
        "&amp; &lt; &gt; &#34; &#39;",
        "&#38; &#60; &#62; &#34; &#39;",
    )
)
"""The escapes of XML and HTML, in which object stores and many APIs report errors."""
_PERCENT = re.compile("%[0-9A-F]{2}")
_SHORT_NUMBER = re.compile(r"[+-]?[0-9]{0,5}(?:\.[0-9]{0,5})?")
_WELL_KNOWN = frozenset(
    """
    true false null none undefined unknown known sensitive value string number bool list object
    default enabled disabled public private main master terraform data resource localhost 127.0.0.1 0.0.0.0 0.0.0.0/0
    admin root user guest password secret test staging prod production development
    """.split()  # noqa: SIM905 - a list literal of these words would fill a screen.
)

_Known = tuple[frozenset[str], frozenset[str]]


class Redactor:
    """Replace every known secret in a text by `(sensitive)`; adjacent matches become one mask.

    Time is linear in the text: each position is looked up by its first four characters in a hash table, and
    then by the (at most 61) lengths of pieces that start with them.
    """

    __slots__ = ("_lengths", "_pieces", "_starts", "_values")

    def __init__(self, values: Iterable[str] = (), *, known: _Known = (frozenset(), frozenset())) -> None:
        """Search for `values`, and for those of the redactor `known` without computing them again."""
        fresh = frozenset(value for value in values if is_secret(value))
        pieces = frozenset(piece for value in fresh for form in _forms(value) for piece in _cut(form))
        self._values, self._pieces = fresh | known[0], pieces | known[1]
        lengths: dict[str, set[int]] = {}
        for piece in self._pieces:
            lengths.setdefault(piece[:MIN_LENGTH], set()).add(len(piece))
        self._lengths = {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}
        self._starts: dict[int, list[str]] = {}
        for start in self._lengths:
            number = int.from_bytes(_bytes(start)[:MIN_LENGTH], sys.byteorder)
            self._starts.setdefault(number, []).append(start)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._values)} values>"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Redactor holds secrets and is never serialised")

    def with_more(self, values: Iterable[str]) -> Redactor:
        """Return a redactor that also searches for `values`."""
        fresh = {value for value in values if is_secret(value)} - self._values
        return Redactor(fresh, known=(self._values, self._pieces)) if fresh else self

    def __call__(self, text: str) -> str:
        """Return `text` without any known secret."""
        kept, done = [], 0
        for start, end in self._spans(text):
            kept += [text[done:start], MASK]
            done = end
        return "".join([*kept, text[done:]]) if kept else text

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the merged (start, end) of everything to mask, in order."""
        lengths, open_start, open_end = self._lengths, -1, -1
        if not lengths:
            return
        for position in self._positions(text):
            candidates = lengths.get(text[position : position + MIN_LENGTH])
            if candidates is None:
                continue
            length = self._longest(text, position, candidates)
            if not length:
                continue
            if position > open_end:
                if open_start >= 0:
                    yield open_start, open_end
                open_start = position
            open_end = max(open_end, position + length)
        if open_start >= 0:
            yield open_start, open_end

    def _positions(self, text: str) -> Iterable[int]:
        """Return, in order, a superset of the positions at which pieces begin."""
        everywhere = range(len(text) - MIN_LENGTH + 1)
        if len(text) < _LONG_TEXT:
            return everywhere
        present = self._starts_in(text)
        if len(present) > _FEW_STARTS:
            return everywhere
        return sorted(position for start in present for position in _occurrences(text, start))

    def _starts_in(self, text: str) -> list[str]:
        """Return the starts of pieces whose first four bytes occur in the text, compared as numbers."""
        data = memoryview(_bytes(text))
        found: set[int] = set()
        for offset in range(MIN_LENGTH):
            end = offset + (len(data) - offset) // MIN_LENGTH * MIN_LENGTH
            found.update(self._starts.keys() & data[offset:end].cast("I").tolist())
        return [start for number in found for start in self._starts[number]]

    def _longest(self, text: str, position: int, candidates: tuple[int, ...]) -> int:
        return next((size for size in candidates if text[position : position + size] in self._pieces), 0)


def is_secret(value: str) -> bool:
    """Whether a value is searched for; the module's docstring lists exceptions."""
    stripped = value.strip()
    return (
        len(stripped) >= MIN_LENGTH
        and _SHORT_NUMBER.fullmatch(stripped) is None
        and stripped.lower() not in _WELL_KNOWN
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _occurrences(text: str, part: str) -> Iterator[int]:
    position = text.find(part)
    while position >= 0:
        yield position
        position = text.find(part, position + 1)


def _forms(value: str) -> Iterator[str]:
    """Yield the encodings in which a secret value may appear in text."""
    for part in {value, value.strip(), *_lines(value)}:
        yield part
        yield from _escaped(part)
        data = _bytes(part)
        for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
            yield quoted
            yield _PERCENT.sub(lambda sign: sign[0].lower(), quoted)
        yield from (data.hex(), data.hex().upper())
        yield from map(part.translate, _ENTITIES)
        yield from _base64_forms(data)


def _lines(value: str) -> Iterator[str]:
    if "\n" in value or "\r" in value:
        for line in re.split(r"[\r\n]+", value):
            if len(line.strip()) >= MIN_LINE_LENGTH and is_secret(line):
                yield line.strip()


def _escaped(value: str) -> Iterator[str]:
    """Yield the value as it appears in JSON (ours, Go's, nested) and in an HCL string."""
    plain = json.dumps(value, ensure_ascii=False)[1:-1]
    yield plain
    yield json.dumps(plain, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]
    go = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    yield go
    yield json.dumps(go, ensure_ascii=False)[1:-1]
    yield plain.replace("/", "\\/")
    yield plain.replace("${", "$${").replace("%{", "%%{")


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield standard and URL-safe base64, alone and at each of the three alignments."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode("ascii")
        yield whole
        yield whole.rstrip("=")
        for before, shared in ((0, 0), (1, 2), (2, 3)):
            # Characters that also hold bits of a neighbour are unknown: `shared` at the start, one at the end.
            core = encode(b"\0" * before + data).decode("ascii")[shared : (before + len(data)) * 8 // 6]
            if len(core) >= _MIN_BASE64_CORE:
                yield core


def _cut(form: str) -> Iterator[str]:
    """Yield pieces that together cover the form; the last one overlaps, so that none is short."""
    if len(form) <= _PIECE:
        if len(form) >= MIN_LENGTH:
            yield form
        return
    for start in range(0, len(form) - _PIECE, _PIECE):
        yield form[start : start + _PIECE]
    yield form[-_PIECE:]
