"""Split Terraform's human-readable plan into its resources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.secrets.redaction import MASK, is_secret


class Section(StrEnum):
    """The part of the plan text that a piece belongs to."""

    DRIFT = "drift"
    """Changes made outside Terraform."""
    PLANNED = "planned"
    OTHER = "other"
    """Headings, the count line, outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive whole lines; joining the texts of all pieces gives the plan again."""

    section: Section
    name: str | None
    """The resource as the header names it (`ADDRESS`, `ADDRESS (deposed object KEY)`); None outside
    resources."""
    text: str


_HEADERS = (" # ", "  # ")
_HAPPENS = re.compile(
    r"(?P<rest>.*) (?:will be|(?<! is tainted, so )must be|will no longer be|is tainted, so must be) "
)
_WAS_FOUND = re.compile(r"(?P<drifted>.+) has (?:changed|been deleted)|.+ has moved to (?P<moved_to>.+)")
_ALONE = re.compile(
    r"""(?<=[ \[])(?:"(?:[^"\\\n]|\\[^\n])*+"|[+-]?[0-9]+(?:\.[0-9]+)?)(?=,?$|,? ->|,? \#|\])""", re.MULTILINE
)
"""A string or number that stands alone as a value; matching it is fast even with thousands of secrets."""
_PLANNED_FROM = re.compile(r"(?:Terraform|OpenTofu) will perform the following actions:")
_DRIFT_FROM = re.compile(r"(?:Note: )?Objects have changed outside of ")
_BLOCK_END = "    }"


def pieces(text: str) -> list[Piece]:
    """Split the text of `terraform show -no-color PLANFILE`.

    Only header lines start with `# ` in the second or third column: everything that a configuration can
    influence, including heredoc lines, is indented further. A block ends at its closing brace or at the next
    header. Only line feeds end a line, because Terraform prints other line separators in values unchanged.
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
    """Return the resource that a header is about.

    A key may contain any text, so the action is searched from the end of the line.
    """
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
    """A plan's text without its secrets, as a whole and by resource."""

    text: str
    blocks: Mapping[tuple[Section, str], str]

    def block(self, section: Section, name: str) -> str:
        """Return Terraform's rendering of one resource, empty if there is none."""
        return self.blocks.get((section, name), "")


def masked(text: str, secrets: Mapping[str, Iterable[str]], clean: Callable[[str], str]) -> MaskedText:
    """Mask a plan's text.

    `secrets` are the sensitive values of each resource by its name in the text; `clean` redacts longer
    secrets. A text that was redacted before is accepted, since its headers have the redacted names.
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
    """Mask short or common values only where they stand alone as a value.

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
