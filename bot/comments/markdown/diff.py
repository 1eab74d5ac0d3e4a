"""Move Terraform's change markers to the start of the line, where GitHub colours them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARKED = re.compile(r"( *)(-/\+|\+/-|[-+~])(?= )")
_HEREDOC = re.compile(r"( *)(?:([-+~]) )?(?:[^ ].*)?<<-?EOT")
_COLOURS = {"~": "!"}


def to_github_diff(block: str) -> str:
    """Return one resource of Terraform's text for a ```diff block; `~` becomes `!`.

    Inside a heredoc only the column of Terraform's own markers counts: an item of a YAML list is not a
    removed line.
    """
    return "\n".join(_converted(block.split("\n")))


def _converted(lines: list[str]) -> Iterator[str]:
    column, outer = -1, ""
    for line in lines:
        if column >= 0:
            yield _in_heredoc(line, column, outer)
            if line.startswith(" " * (column + 2) + "EOT"):
                column = -1
            continue
        yield _moved(line)
        heredoc = _HEREDOC.fullmatch(line)
        if heredoc:
            outer = heredoc[2] or " "
            column = len(heredoc[1]) - (0 if heredoc[2] else 2)


def _moved(line: str) -> str:
    match = _MARKED.match(line)
    if match is None:
        return line
    return _COLOURS.get(match[2], match[2]) + match[1] + line[match.end() :]


def _in_heredoc(line: str, column: int, outer: str) -> str:
    """Convert a heredoc line, whose marker is four columns right of the attribute's."""
    at = column + 4
    if line[at : at + 2] in {"+ ", "- "} and not line[:at].strip():
        return line[at] + line[:at] + line[at + 1 :]
    return outer + line[1:] if outer in {"+", "-"} and line.startswith(" ") else line
