"""Reads and writes the files of reports, for the commands of the workflow gates."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bot.domain.core.errors import GatewrightError
from bot.domain.core.outcome import Outcome
from bot.reports.envelope import digest_of
from bot.reports.validity import fault_of

EXIT_CODES: Final = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.ERROR: 4}
EXIT_HELP: Final = (
    "Exit codes: 0 passed, also with warnings; 1 failed; 2 wrong usage or input; 3 inconclusive; 4 could not be"
    " evaluated."
)
_LARGEST: Final = 16 << 20
"""Bytes of a report file."""


class UsageError(GatewrightError):
    """An option or a file that was given is wrong: exit code 2."""


def write_report(path: Path, content: bytes) -> Path:
    """Write a report, whole or not at all; returns its absolute path."""
    target = path.absolute()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return target


def verify(paths: Sequence[Path]) -> tuple[list[str], bool]:
    """Return one line per file, and whether all hold; UsageError where a file cannot be read."""
    contents = {path: _read(path) for path in paths}
    now = datetime.now(UTC)  # noqa: TID251 - a command has no Clock port
    lines, holds = [], True
    for path, content in contents.items():
        fault = fault_of(content, now=now)
        holds = holds and fault is None
        said = f"valid, sha256 {digest_of(content)}" if fault is None else f"{fault.code}: {fault.sentence}"
        lines.append(f"{path}: {said}")
    return lines, holds


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise UsageError(f"{path} is larger than {_LARGEST >> 20} MiB, so it is no report")
    return content
