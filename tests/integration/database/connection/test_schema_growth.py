"""A process of the version before goes on beside `gatewright migrate`: so migrations may only add what it need not know."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.connection.schema import _revisions, upgrade
from bot.adapters.database.tables.core import VERSION_TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a statement of an older program relies on, of one table."""

    columns: dict[str, str]
    """Name -> type and whether it may be empty."""
    needed: frozenset[str]
    """Columns that every insert must name."""
    rules: frozenset[str] = field(default_factory=frozenset)
    """Keys, unique indexes and checks: each refuses some rows."""


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_every_migration_only_adds(empty_url: str) -> None:
    engine = migration_engine(parse_url(empty_url))
    broken: dict[str, list[str]] = {}

    before: dict[str, Shape] = {}
    for revision in _revisions():
        with engine.begin() as connection:
            upgrade(connection, revision)
        after = shapes(engine)
        broken[revision] = breaks(before, after)
        before = after

    engine.dispose()
    assert broken == {revision: [] for revision in _revisions()}
    assert len(before) > len(_revisions())


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        pytest.param("ALTER TABLE t ADD COLUMN c TEXT", [], id="a column that may be empty"),
        pytest.param("ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT ''", [], id="a column with a default"),
        pytest.param("CREATE TABLE other (a TEXT NOT NULL PRIMARY KEY)", [], id="a table"),
        pytest.param("CREATE INDEX i ON t (b)", [], id="an index"),
        pytest.param("DROP TABLE t", ["t is gone"], id="no table less"),
        pytest.param("ALTER TABLE t DROP COLUMN b", ["t.b is gone or another"], id="no column less"),
        pytest.param("ALTER TABLE t RENAME COLUMN b TO c", ["t.b is gone or another"], id="no other name"),
        pytest.param("CREATE UNIQUE INDEX i ON t (b)", ["t has other rules"], id="no new uniqueness"),
        pytest.param("DROP INDEX known", ["t has other rules"], id="no uniqueness less"),
    ],
)
def test_what_an_older_program_would_stumble_over_is_found(statement: str, broken: list[str]) -> None:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a TEXT NOT NULL PRIMARY KEY, b TEXT, d TEXT)"))
        connection.execute(sa.text("CREATE UNIQUE INDEX known ON t (d)"))
    before = shapes(engine)

    with engine.begin() as connection:
        connection.execute(sa.text(statement))

    assert breaks(before, shapes(engine)) == broken
    engine.dispose()


def test_a_new_column_that_must_be_given_is_found() -> None:
    before = {"t": Shape(columns={"a": "TEXT True"}, needed=frozenset())}
    after = {"t": Shape(columns={"a": "TEXT True", "b": "TEXT False"}, needed=frozenset({"b"}))}

    assert breaks(before, after) == ["t needs other columns"]


def shapes(engine: sa.Engine) -> dict[str, Shape]:
    """Return the shape of each table; all are asked for at once, since a server answers each question slowly."""
    inspector = sa.inspect(engine)
    columns, keys = inspector.get_multi_columns(), inspector.get_multi_pk_constraint()
    uniques, indexes = inspector.get_multi_unique_constraints(), inspector.get_multi_indexes()
    checks, foreign = inspector.get_multi_check_constraints(), inspector.get_multi_foreign_keys()
    return {
        name: _shape(
            given,
            [
                str(keys[key]["constrained_columns"]),
                *(f"unique {one['column_names']}" for one in uniques[key]),
                *(f"unique {one['column_names']}" for one in indexes[key] if one["unique"]),
                *(f"check {one['sqltext']}" for one in checks[key]),
                *(f"{one['constrained_columns']} in {one['referred_table']}" for one in foreign[key]),
            ],
        )
        for key, given in columns.items()
        if (name := key[1]) != VERSION_TABLE
    }


def breaks(before: dict[str, Shape], after: dict[str, Shape]) -> list[str]:
    """Return what a program made for `before` would stumble over."""
    found = [f"{name} is gone" for name in before if name not in after]
    for name, old in before.items():
        new = after.get(name, old)
        changed = [column for column, kind in old.columns.items() if new.columns.get(column) != kind]
        found += [f"{name}.{column} is gone or another" for column in changed]
        if new.needed - old.needed:
            found.append(f"{name} needs other columns")
        if new.rules != old.rules:
            found.append(f"{name} has other rules")
    return found


def _shape(columns: Collection[Any], rules: Iterable[str]) -> Shape:
    return Shape(
        columns={column["name"]: f"{column['type']} {column['nullable']}" for column in columns},
        needed=frozenset(column["name"] for column in columns if _is_needed(column)),
        rules=frozenset(rules),
    )


def _is_needed(column: Any) -> bool:
    return not (
        column["nullable"] or column.get("default") is not None or column.get("autoincrement") is True
    )
