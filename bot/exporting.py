"""`gatewright export`: the audit as JSON Lines."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from bot.adapters.database.audit import Wanted, schema
from bot.adapters.database.records import Database
from bot.composition.outside import make_redactor
from bot.domain.errors import GatewrightError
from bot.domain.redaction import Redactor
from bot.domain.session_limits import SessionLimits
from bot.settings import EnvironmentSecrets, Settings

__all__ = ["Asked", "ExportError", "schema", "write_audit"]

_STATEMENT_SECONDS: Final = 600
"""How long the first look through a large table may take."""


class ExportError(GatewrightError):
    """What was asked for cannot be exported, or not to there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody typed."""

    since: str | None
    until: str | None
    repo: str | None
    output: Path | None
    """None for standard output."""

    def wanted(self) -> Wanted:
        """Return it as values; ExportError for a time that is none."""
        return Wanted(since=_moment(self.since), until=_moment(self.until), repo=self.repo)


async def write_audit(settings: Settings, secrets: EnvironmentSecrets, asked: Asked) -> int:
    """Write every wanted record; returns how many. A file appears when it is complete, for its owner alone."""
    wanted = asked.wanted()
    limits = SessionLimits(takeover_seconds=settings.takeover_seconds, statement_seconds=_STATEMENT_SECONDS)
    database = Database(settings.database, limits=limits)
    redact = make_redactor(settings, secrets)
    try:
        await database.check()
        if asked.output is None:
            return await _write_out(database, wanted, redact)
        return await _write_file(database, wanted, redact, asked.output)
    finally:
        await database.close()


async def _write_out(database: Database, wanted: Wanted, redact: Redactor) -> int:
    # Whoever reads the output may stand still, and the transaction would stand still with it.
    with TemporaryFile("w+", encoding="utf-8") as file:
        count = await _write(database, wanted, redact, file)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout)
    sys.stdout.flush()
    return count


async def _write_file(database: Database, wanted: Wanted, redact: Redactor, output: Path) -> int:
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with open(part, "x", encoding="utf-8", opener=_private) as file:  # noqa: ASYNC230 - a program of its own
            count = await _write(database, wanted, redact, file)
        part.replace(output)
    except OSError as error:
        raise ExportError(f"the export cannot be written to {output}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return count


async def _write(database: Database, wanted: Wanted, redact: Redactor, file: IO[str]) -> int:
    count = 0
    async with aclosing(database.audit(wanted)) as records:
        async for record in records:
            file.write(json.dumps(_clean(record, redact), ensure_ascii=False) + "\n")
            count += 1
    file.flush()
    return count


def _clean(value: Any, redact: Callable[[str], str]) -> Any:
    """Redact once more what was redacted before it was recorded: secrets may have been learnt since."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _clean(item, redact) for name, item in value.items()}
    return [_clean(item, redact) for item in value] if isinstance(value, list) else value


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExportError(f"{text} is not a time: write 2026-01-31 or 2026-01-31T09:30:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
