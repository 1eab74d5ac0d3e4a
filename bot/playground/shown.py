"""Shows a comment on a terminal as it looks on the pull request."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markdown import Markdown

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_INNERMOST = re.compile(
    r"<details(?P<open> open)?>\s*<summary>(?P<title>.*?)</summary>(?P<body>(?:(?!<details).)*?)</details>",
    re.DOTALL,
)


def show(out: Console, body: str) -> None:
    """Print a comment, of folded parts only their headings."""
    seen, found = _HIDDEN.sub("", body), 1
    while found:
        seen, found = _INNERMOST.subn(_heading, seen)
    # Without wrapping, long list items, such as commands to type, are cut off at the width of the console.
    out.print(Markdown(seen), soft_wrap=False)


def _heading(part: re.Match[str]) -> str:
    return f"▾ {part['title']}\n{part['body']}" if part["open"] else f"▸ {part['title']}\n"
