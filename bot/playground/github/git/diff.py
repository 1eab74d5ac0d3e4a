"""Reading what `git diff` writes."""

from dataclasses import dataclass

NAMES = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
ZERO = "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One changed file; `patch` is None for binary files and pure renames, as on GitHub."""

    path: str
    status: str
    blob: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


def parse_diff(raw: bytes, patch: bytes) -> list[FileChange]:
    """Join `git diff --raw --numstat -z` with the patch text of the same diff."""
    fields = raw.decode(errors="replace").split("\0")
    changes, position = _raw_records(fields)
    counts = _numstat_records(fields[position:])
    patches = _patches(patch.decode(errors="replace"))
    return [
        FileChange(
            path=path,
            previous=previous,
            status=NAMES.get(letter, "changed"),
            blob=blob,
            additions=counts.get(path, (0, 0))[0],
            deletions=counts.get(path, (0, 0))[1],
            patch=patches[index] if index < len(patches) else None,
        )
        for index, (letter, blob, previous, path) in enumerate(changes)
    ]


def _raw_records(fields: list[str]) -> tuple[list[tuple[str, str, str | None, str]], int]:
    """The `:mode mode sha sha status` records and where they end."""
    records: list[tuple[str, str, str | None, str]] = []
    position = 0
    while position < len(fields) and fields[position].startswith(":"):
        _, _, old, new, status = fields[position][1:].split(" ")
        letter = status[0]
        if letter in "RC":
            records.append((letter, new, fields[position + 1], fields[position + 2]))
            position += 3
        else:
            blob = old if new == ZERO else new
            records.append((letter, blob, None, fields[position + 1]))
            position += 2
    return records, position


def _numstat_records(fields: list[str]) -> dict[str, tuple[int, int]]:
    """Added and deleted lines by new path; binary files count as zero."""
    counts: dict[str, tuple[int, int]] = {}
    position = 0
    while position < len(fields) and fields[position].count("\t") >= 2:  # noqa: PLR2004
        added, deleted, path = fields[position].split("\t", 2)
        if not path:
            path = fields[position + 2]
            position += 2
        position += 1
        if added != "-":
            counts[path] = (int(added), int(deleted))
    return counts


def _patches(text: str) -> list[str | None]:
    """The hunks of each file, in the order of the raw records."""
    patches: list[str | None] = []
    for block in ("\n" + text).split("\ndiff --git ")[1:]:
        start = block.find("\n@@ ")
        patches.append(None if start < 0 else block[start + 1 :].rstrip("\n"))
    return patches
