"""The pages that are checked, and how parts of them are found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = "README.md"
PAGES: Final = tuple(
    sorted(
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md")
        for path in ROOT.glob(pattern)
    )
)
GENERATED: Final = tuple(page for page in PAGES if "[[[cog" in (ROOT / page).read_text(encoding="utf-8"))
"""Pages with parts that cog writes."""

_LINK = re.compile(r"\]\((?!<?[a-z]+:|#)([^)#\s]+)")
_IMAGE = re.compile(r'(?:src|srcset)="([^"]+)"')
_PATH = re.compile(
    r"`((?:bot|handlers|docs|tests|terraform|envs|requirements)(?:/[A-Za-z0-9_.-]+)*/?|[A-Za-z]+\.toml|[A-Z]+\.md)`"
)
_ANCHOR = re.compile(r"\]\((?!<?[a-z]+:)([^)#\s]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_OUTPUT = re.compile(r"(?<=\]\]\] -->\n).*?(?=<!-- \[\[\[end\]\]\] -->)", re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def read(page: str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def links(page: str) -> set[str]:
    """Return the targets of a page's relative links and pictures, relative to the repository."""
    folder, text = Path(page).parent, read(page)
    targets = (*_LINK.findall(text), *_IMAGE.findall(text))
    return {(ROOT / folder / target).resolve().relative_to(ROOT).as_posix() for target in targets}


def named_files(page: str) -> set[str]:
    """Return the files and directories of this repository that a page names in code spans."""
    return set(_PATH.findall(read(page)))


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [text for name, text in _FENCE.findall(read(page)) if name == language]


def anchors(page: str) -> set[tuple[str, str]]:
    """Return page and anchor of each link to a heading."""
    folder = Path(page).parent
    return {
        ((ROOT / folder / target).resolve().relative_to(ROOT).as_posix() if target else page, anchor)
        for target, anchor in _ANCHOR.findall(read(page))
    }


def headings(page: str) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    plain = (re.sub(r"[^\w\- ]", "", text.lower()) for text in _HEADING.findall(read(page)))
    return {text.strip().replace(" ", "-") for text in plain}


def spans(page: str) -> set[str]:
    """Return the code spans of a page, those of generated tables included."""
    return set(_SPAN.findall(read(page)))


def prose(page: str) -> str:
    """Return what people wrote: the page without what cog writes into it."""
    return _OUTPUT.sub("", read(page))
