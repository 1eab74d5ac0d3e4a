"""The pages that are checked, and how parts of them are found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = "README.md"
GENERATED: Final = (README, "docs/lifecycle.md", "docs/operations.md", "docs/policy.md", "docs/security.md")
PAGES: Final = (*GENERATED, "docs/architecture.md")

_LINK = re.compile(r"\]\((?!<?[a-z]+:|#)([^)#\s]+)")
_PATH = re.compile(
    r"`((?:bot|handlers|docs|tests|terraform|envs|requirements)(?:/[A-Za-z0-9_.-]+)*/?|[A-Za-z]+\.toml)`"
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def read(page: str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def links(page: str) -> set[str]:
    """Return the targets of a page's relative links, relative to the repository."""
    folder = Path(page).parent
    return {(folder / target).as_posix() for target in _LINK.findall(read(page))}


def named_files(page: str) -> set[str]:
    """Return the files and directories of this repository that a page names in code spans."""
    return set(_PATH.findall(read(page)))


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [text for name, text in _FENCE.findall(read(page)) if name == language]
