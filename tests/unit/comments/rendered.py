"""Reading a comment as GitHub would: rendered, and without what stands in code."""

from __future__ import annotations

import re
from functools import lru_cache

from markdown_it import MarkdownIt

_RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_CODE = re.compile(r"<(pre|code)\b.*?</\1>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
MENTION = re.compile(r"(?<![A-Za-z0-9])@[A-Za-z0-9]")
REFERENCE = re.compile(r"#\d|(?i:gh)-\d|://|(?i:www)\.")


@lru_cache(maxsize=1)
def rendered(markdown: str) -> str:
    """Return the HTML of a comment."""
    return str(_RENDERER.render(markdown))


def outside_code(markdown: str) -> str:
    """Return the rendered comment without code and without HTML comments: where mentions would work."""
    return _COMMENT.sub("", _CODE.sub("", rendered(markdown)))
