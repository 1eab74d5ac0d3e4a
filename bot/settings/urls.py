"""Passwords in URLs."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_PASSWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#:@]*:([^/?#]+)@")
_PLACE: Final = re.compile(r"(://[^/?#:@]*):[^/?#]+@")


def passwords(value: str) -> tuple[str, ...]:
    """Return the password in a URL, encoded and decoded."""
    found = _PASSWORD.match(value.strip())
    return () if found is None else tuple({found[1], unquote(found[1])})


def without_password(value: str) -> str:
    """Return a text with `***` in place of the password of each URL."""
    return _PLACE.sub(r"\1:***@", value)
