"""Paths outside of a module's directory that its texts name, as `file("../x")` or `"${path.module}/../../y"` do.

Nobody evaluates the code here, so what a text may name counts, and behind a template everything in that directory:
too much is planned then, never too little. It never raises and is linear.
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
    """Return files and directories of the repository (`.` is all of it) that the texts of a module may name.

    `texts` are as they are written, with their templates.
    """
    paths = (
        posixpath.normpath(posixpath.join(directory, path)) for text in texts for path in _climbing(text)
    )
    return frozenset(path for path in paths if path.split("/")[0] != _UP)


def _climbing(text: str) -> Iterator[str]:
    """Yield what looks like a relative path that goes up, relative to the module."""
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
    """Whether a text is nothing but `..` and signs beside it, as in conditions that keep paths from going up."""
    return run == text and run.strip("/") == _UP
