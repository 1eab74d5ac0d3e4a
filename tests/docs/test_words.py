"""Check the prose that people write; generated parts are the business of the code that they come from."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.docs.pages import PAGES, ROOT, prose, read

_BANNED: Final = re.compile(
    r"\b(anew|by (?:it|them)self|by themselves|whoever|somebody|somebody's|is told|are told|takes? back|taken back"
    r"|gives? up|given up|brings? about|is settled|is carried out|as told)\b",
    re.IGNORECASE,
)
_GLOSSARY: Final = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in read("docs/glossary.md").splitlines()
    if line.startswith("| ") and not line.startswith(("| Word", "| ---"))
]
_DECISIONS: Final = [page for page in PAGES if re.match(r"docs/decisions/\d{4}-", page)]


@pytest.mark.parametrize("page", [*PAGES, "gatewright.env.example"])
def test_a_page_has_no_phrase_of_a_dialect(page: str) -> None:
    assert sorted({match[0] for match in _BANNED.finditer(prose(page))}) == []


def test_the_glossary_is_sorted() -> None:
    words = [row[0].lower() for row in _GLOSSARY]

    assert words == sorted(words)
    assert len(words) == len(set(words))


@pytest.mark.parametrize("row", _GLOSSARY, ids=lambda row: str(row[0]))
def test_a_word_lives_in_modules_that_exist(row: tuple[str, ...]) -> None:
    paths = re.findall(r"`([^`]+)`", row[2])

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", _DECISIONS)
def test_a_decision_is_short_and_has_its_three_parts(page: str) -> None:
    text = read(page)

    assert len(text.splitlines()) <= 60
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_every_decision_is_listed() -> None:
    assert [
        page for page in _DECISIONS if page.rpartition("/")[2] not in read("docs/decisions/README.md")
    ] == []
