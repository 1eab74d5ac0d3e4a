"""The findings of doctor, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console

from bot.doctor.findings import Finding

_COLOURS: Final = {"ok": "green", "error": "red"}


def show_findings(findings: Sequence[Finding], out: Console) -> None:
    """Print one line per finding."""
    for finding in findings:
        colour = _COLOURS.get(finding.grade, "yellow")
        out.print(f"[{colour}]{finding.grade:8}[/] {finding.part:22} ", end="")
        out.print(finding.sentence, markup=False)


def findings_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings for programs."""
    return [asdict(finding) for finding in findings]
