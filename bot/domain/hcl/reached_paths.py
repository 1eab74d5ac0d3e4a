"""Paths outside a module's directory in its strings, as in `file("../x")`.

Code is not evaluated, so every path that a string may refer to counts; after a template, the whole directory
does. Planning too much is safe, planning too little is not. It never raises and is linear.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

_RUN = re.compile(r"[\w@.+~/-]++")
_UP = ".."
_BEFORE = frozenset(" \t\r\n'\"=:(,;<>|&")
_BEHIND = frozenset(" \t\r\n'\"),;:<>|&")


def reached(directory: str, texts: Iterable[str]) -> frozenset[str]:
    """Return files and directories of the repository that the strings of a module may refer to.

    `texts` are unevaluated, with their templates; `.` is the whole repository.
    """
    paths = (
        posixpath.normpath(posixpath.join(directory, path)) for text in texts for path in _climbing(text)
    )
    return frozenset(path for path in paths if path.split("/")[0] != _UP)


def _climbing(text: str) -> Iterator[str]:
    """Yield what looks like a relative path that leads upwards, relative to the module."""
    if _UP not in text:
        return
    for match in _RUN.finditer(text):
        run, start, end = match[0], match.start(), match.end()
        before, behind = text[max(0, start - 1) : start], text[end : end + 1]
        if _UP not in run.split("/"):
            continue
        if before == "}" and run.startswith("/"):
            # Most often that of `path.module`.
            run = run.lstrip("/")
        elif run.startswith("/") or (before and before not in _BEFORE) or _is_only_a_sign(run, text):
            continue
        yield run if not behind or behind in _BEHIND else run.rpartition("/")[0] or "."


def _is_only_a_sign(run: str, text: str) -> bool:
    """Whether a string is only `..` and punctuation, as in conditions that reject such paths."""
    return run == text and run.strip("/") == _UP
