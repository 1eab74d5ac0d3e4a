"""Shows a comment on a terminal as it looks on the pull request."""

from __future__ import annotations

import re

from rich.console import Console
from rich.markdown import Markdown

_HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
_FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>.*?</details>", re.DOTALL)


def show(out: Console, body: str) -> None:
    """Print a comment, of folded parts only their headings."""
    seen = _FOLDED.sub(r"▸ \1", _HIDDEN.sub("", body))
    # Without wrapping, long list items, such as commands to type, are cut off at the width of the console.
    out.print(Markdown(seen), soft_wrap=False)
