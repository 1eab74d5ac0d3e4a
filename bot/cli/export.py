"""`gatewright export`: the audit log as JSON Lines."""

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

from bot.adapters.database.queries.audit import Wanted, schema
from bot.adapters.database.records import Database
from bot.cli.databases import open_database
from bot.composition.adapters import make_redactor
from bot.domain.core.errors import GatewrightError
from bot.domain.secrets.redaction import Redactor
from bot.settings import EnvironmentSecrets, Settings

__all__ = ["ExportError", "Request", "schema", "write_audit"]

_STATEMENT_SECONDS: Final = 600
"""A first read of a large table takes longer than other statements."""


class ExportError(GatewrightError):
    """An option is wrong, or the file cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of an export."""

    since: str | None
    until: str | None
    repo: str | None
    output: Path | None
    """None for standard output."""

    def wanted(self) -> Wanted:
        """Return the filter; ExportError for an invalid time."""
        return Wanted(since=_moment(self.since), until=_moment(self.until), repo=self.repo)


async def write_audit(settings: Settings, secrets: EnvironmentSecrets, request: Request) -> int:
    """Write the records and return their number; a file appears when it is complete."""
    wanted = request.wanted()
    database = await open_database(settings, statement_seconds=_STATEMENT_SECONDS)
    redact = make_redactor(settings, secrets)
    try:
        await database.check()
        if request.output is None:
            return await _write_out(database, wanted, redact)
        return await _write_file(database, wanted, redact, request.output)
    finally:
        await database.close()


async def _write_out(database: Database, wanted: Wanted, redact: Redactor) -> int:
    # A reader that pauses must not keep the transaction open.
    with TemporaryFile("w+", encoding="utf-8") as file:
        count = await _write(database, wanted, redact, file)
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout)
    sys.stdout.flush()
    return count


async def _write_file(database: Database, wanted: Wanted, redact: Redactor, output: Path) -> int:
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with open(part, "x", encoding="utf-8", opener=_private) as file:  # noqa: ASYNC230 - no event loop is kept waiting
            count = await _write(database, wanted, redact, file)
        part.replace(output)
    except OSError as error:
        raise ExportError(f"cannot write {output}: {error.strerror}") from error
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
    """Return the value without known secrets."""
    # Records were redacted when they were written; secrets may have become known since.
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
        raise ExportError(f"invalid time '{text}': use 2026-01-31 or 2026-01-31T09:30:00+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
