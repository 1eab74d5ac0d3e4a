"""Findings of `terraform fmt`, `validate` and `test`, parsed from their output.

Parsing never fails: unknown output gives no findings.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_HUNK = re.compile(r"^@@ -(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding at a place in the repository."""

    path: str
    line: int
    level: str
    """`warning` or `failure`."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReport:
    """All findings, and the result of each check."""

    findings: tuple[Finding, ...]
    outcomes: Mapping[str, str]
    """Check (`fmt`, `validate`, `test`) -> what failed; empty if it passed."""

    def joined(self, other: CodeReport) -> CodeReport:
        """Return both reports combined."""
        return CodeReport(
            findings=(*self.findings, *other.findings), outcomes={**self.outcomes, **other.outcomes}
        )

    def as_detail(self) -> dict[str, Any]:
        """Return the report as stored in a run's detail."""
        found = [
            {"path": one.path, "line": one.line, "level": one.level, "message": one.message}
            for one in self.findings
        ]
        return {"findings": found, "outcomes": dict(self.outcomes)}


def report_of(detail: Mapping[str, Any]) -> CodeReport | None:
    """Return the report stored by `as_detail`, None where no code was checked."""
    kept = detail.get("code")
    if not isinstance(kept, Mapping):
        return None
    return CodeReport(
        findings=tuple(Finding(**one) for one in kept["findings"]), outcomes=dict(kept["outcomes"])
    )


def unformatted(diff: str, directory: str) -> tuple[Finding, ...]:
    """Return one finding for each range of lines that `terraform fmt -diff` would change."""
    found, path, at = [], "", 0
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path, at = line[4:].split("\t")[0].removeprefix("new/"), 0
        elif hunk := _HUNK.match(line):
            at = int(hunk[1])
        elif at and line.startswith(" "):
            at += 1
        elif at and path and line.startswith(("-", "+")):
            message = "Not formatted: run `terraform fmt`."
            found.append(Finding(path=_place(directory, path), line=at, level="failure", message=message))
            at = 0
    return tuple(found)


def invalid(answer: str, directory: str) -> tuple[Finding, ...]:
    """Return the findings of `terraform validate -json`."""
    try:
        told = json.loads(answer)
    except ValueError:
        return ()
    return tuple(_finding(one, directory) for one in told.get("diagnostics") or ())


def failed_tests(answer: str, directory: str) -> tuple[tuple[Finding, ...], str]:
    """Return the findings of `terraform test -json`, and its summary as text."""
    found, summary = [], ""
    for message in _messages(answer):
        diagnostic = message.get("diagnostic")
        if isinstance(diagnostic, Mapping):
            where = " ".join(str(message[key]) for key in ("@testfile", "@testrun") if message.get(key))
            found.append(_finding(diagnostic, directory, prefix=f"{where}: " if where else ""))
        counts = message.get("test_summary")
        if isinstance(counts, Mapping):
            names = ("passed", "failed", "errored", "skipped")
            summary = ", ".join(f"{counts.get(name, 0)} {name}" for name in names if counts.get(name))
    return tuple(found), summary


def _messages(answer: str) -> Iterator[Mapping[str, Any]]:
    for line in answer.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, Mapping):
            yield message


def _finding(diagnostic: Mapping[str, Any], directory: str, *, prefix: str = "") -> Finding:
    place = diagnostic.get("range") or {}
    said = [str(diagnostic.get(key) or "").strip() for key in ("summary", "detail")]
    return Finding(
        path=_place(directory, str(place.get("filename") or ".")),
        line=int((place.get("start") or {}).get("line") or 1),
        level="failure" if diagnostic.get("severity") == "error" else "warning",
        message=prefix + "\n\n".join(text for text in said if text),
    )


def _place(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))
