"""Checks of the repositories that are served, and of those that are ignored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.database.connection.schema import schema_status
from bot.adapters.database.records import Database
from bot.doctor.findings import DoubtfulError, Part
from bot.domain.core.repositories import still_turned_away, turned_away_sentence
from bot.ports import Reader
from bot.settings import PREFIX, Settings

_NEEDS = ("repositories", "database_url", "data_dir")
_MOST_TOLD = 10


def repository_parts(settings: Settings) -> list[Part]:
    """Return the checks, in the order of the report."""
    return [
        Part(name="repositories", check=lambda: _listed(settings), needs=_NEEDS),
        Part(name="ignored repositories", check=lambda: _turned_away(settings), needs=_NEEDS),
    ]


async def _listed(settings: Settings) -> str:
    listed = settings.listed
    shared = listed.shared_credentials()
    if shared is not None:
        raise DoubtfulError(shared)
    (name,) = listed.names
    entry = listed.find(name)
    async with _records(settings) as reader:
        bound = None if reader is None else await reader.repository_id(name)
    if entry is not None and entry.id is not None:
        return f"{name} (repository id {entry.id})"
    if bound is None:
        return f"{name}; its first delivery records its repository id"
    return f"{name} (repository id {bound})"


async def _turned_away(settings: Settings) -> str:
    async with _records(settings) as reader:
        found = [] if reader is None else await reader.turned_away()
    told = [turned_away_sentence(one) for one in found if still_turned_away(settings.listed, one)]
    if not told:
        return f"no events from repositories outside {PREFIX}REPOSITORIES"
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    raise DoubtfulError(" ".join([*told[:_MOST_TOLD], *more]))


@asynccontextmanager
async def _records(settings: Settings) -> AsyncIterator[Reader | None]:
    """Open the records; None where there are none or their schema is out of date."""
    status = schema_status(settings.database)
    if status.current is None or status.pending:
        yield None
        return
    database = Database(settings.database)
    try:
        async with database.read() as reader:
            yield reader
    finally:
        await database.close()
