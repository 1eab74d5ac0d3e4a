"""Rows as an older version wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.connection.schema import upgrade


@dataclass(frozen=True, slots=True)
class OldRows:
    """Writes today's values, but for the columns that the older schema lacks."""

    connection: sa.Connection

    def add(self, table: sa.Table, values: Mapping[str, Any]) -> None:
        known = {column["name"] for column in sa.inspect(self.connection).get_columns(table.name)}
        self.connection.execute(
            sa.insert(table).values({name: each for name, each in values.items() if name in known})
        )


@contextmanager
def old_rows(url: str, revision: str) -> Iterator[OldRows]:
    """Bring an empty database to an older revision, and write rows as that version did."""
    engine = migration_engine(parse_url(url))
    with engine.begin() as connection:
        upgrade(connection, revision)
        yield OldRows(connection)
    engine.dispose()
