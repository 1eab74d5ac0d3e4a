"""A comment on a terminal, as somebody sees it who opens the pull request."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markdown import Markdown

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>.*?</details>", re.DOTALL)


def show(out: Console, body: str) -> None:
    """Print a comment, each folded part by its heading alone."""
    seen = _FOLDED.sub(r"▸ \1", _HIDDEN.sub("", body))
    # A console that does not wrap cuts what Markdown puts beside a bullet off at its width, the command to type with it.
    out.print(Markdown(seen), soft_wrap=False)
