"""Terraform's human-readable plan, cut into its resources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.redaction import MASK, is_secret


class Section(StrEnum):
    """Which part of the text a piece belongs to."""

    DRIFT = "drift"
    """What Terraform found changed outside of it."""
    PLANNED = "planned"
    OTHER = "other"
    """Headings, the count line, outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of whole lines; joining the texts of all pieces gives the plan again."""

    section: Section
    name: str | None
    """The resource as the header names it (`ADDRESS`, `ADDRESS (deposed object KEY)`); None outside of resources."""
    text: str


_HEADERS = (" # ", "  # ")
_HAPPENS = re.compile(
    r"(?P<rest>.*) (?:will be|(?<! is tainted, so )must be|will no longer be|is tainted, so must be) "
)
_WAS_FOUND = re.compile(r"(?P<drifted>.+) has (?:changed|been deleted)|.+ has moved to (?P<moved_to>.+)")
_ALONE = re.compile(
    r"""(?<=[ \[])(?:"(?:[^"\\\n]|\\[^\n])*+"|[+-]?[0-9]+(?:\.[0-9]+)?)(?=,?$|,? ->|,? \#|\])""", re.MULTILINE
)
"""A text or a number that stands alone as a value; thousands of secrets are told apart from it at once."""
_PLANNED_FROM = re.compile(r"(?:Terraform|OpenTofu) will perform the following actions:")
_DRIFT_FROM = re.compile(r"(?:Note: )?Objects have changed outside of ")
_BLOCK_END = "    }"


def pieces(text: str) -> list[Piece]:
    """Cut the text of `terraform show -no-color PLANFILE`.

    Only header lines start with `# ` in the second or third column: everything that a configuration can influence,
    heredoc lines too, is indented further. A block ends at its closing brace or at the next header. Lines are cut at
    line feeds alone, because Terraform prints the other line separators of a value as they are.
    """
    found: list[Piece] = []
    section, lines = Section.OTHER, list[str]()
    name: str | None = None

    def close() -> None:
        if lines:
            found.append(Piece(section=section if name else Section.OTHER, name=name, text="".join(lines)))
            lines.clear()

    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        bare = line.rstrip("\n")
        next_section, header = _section(bare, section), _name(bare)
        if next_section is not section or (header and section is not Section.OTHER):
            close()
            section, name = next_section, header
        lines.append(line)
        if name and bare == _BLOCK_END:
            close()
            name = None
    close()
    return found


def _section(line: str, current: Section) -> Section:
    if _DRIFT_FROM.match(line):
        return Section.DRIFT
    return Section.PLANNED if _PLANNED_FROM.fullmatch(line) else current


def _name(line: str) -> str | None:
    """Return whom a header is about: a key may hold any words, but what happens is told behind the last of them."""
    if not line.startswith(_HEADERS):
        return None
    begin = line.index("#") + 2
    happens = _HAPPENS.match(line, max(begin, line.rfind('"') + 1, line.rfind("]") + 1))
    if happens is not None and happens.end("rest") > begin:
        return line[begin : happens.end("rest")]
    found = _WAS_FOUND.fullmatch(line, begin)
    return found and (found["drifted"] or found["moved_to"])


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedText:
    """A plan's text without its secrets, whole and by resource."""

    text: str
    blocks: Mapping[tuple[Section, str], str]

    def block(self, section: Section, name: str) -> str:
        """Return Terraform's rendering of one resource, empty when there is none."""
        return self.blocks.get((section, name), "")


def masked(text: str, secrets: Mapping[str, Iterable[str]], clean: Callable[[str], str]) -> MaskedText:
    """Mask a plan's text: `secrets` are each resource's own by its name in the text, `clean` removes the long ones.

    A text that was cleaned before is understood too, as its headers then carry the cleaned names.
    """
    if MASK not in text and clean(text) == text:
        # Most plans show none of the long ones: then no piece of the text does, and one look was enough.
        clean = str
    names = {clean(name): name for name in secrets} | {name: name for name in secrets}
    parts: list[str] = []
    blocks: dict[tuple[Section, str], str] = {}
    for piece in pieces(text):
        name = names.get(piece.name or "")
        part = clean(mask_by_position(piece.text, secrets[name]) if name else piece.text)
        parts.append(part)
        if name:
            blocks[piece.section, name] = part.strip("\n")
    return MaskedText(text="".join(parts), blocks=blocks)


def mask_by_position(text: str, secrets: Iterable[str]) -> str:
    """Mask values that are too short or too common to be searched for, where they stand alone as a value.

    `output = "abc" -> (known after apply)` becomes `output = (sensitive) -> ...` when `abc` is secret.
    """
    literals = {*_literals(value for value in secrets if not is_secret(value))}
    if not literals:
        return text
    return _ALONE.sub(lambda found: MASK if found[0] in literals else found[0], text)


def _literals(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield json.dumps(value, ensure_ascii=False)
        if re.fullmatch(r"[+-]?[0-9]+(?:\.[0-9]+)?", value):
            yield value
