from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.adapters.database import Database, migrate, schema_status
from bot.adapters.database.connection.engines import migration_engine, parse_url
from bot.adapters.database.connection.errors import SchemaError
from bot.adapters.database.connection.schema import MIGRATIONS, _revisions
from bot.adapters.database.tables.core import VERSION_TABLE, metadata
from bot.domain.core.model import Sha
from tests.integration.conftest import Inspector

MIGRATE = "import sys; from bot.adapters.database import migrate; migrate(sys.argv[1])"
ROOT = Path(__file__).parents[4]


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_migrations_make_exactly_the_tables_of_the_code(url: str) -> None:
    engine = migration_engine(parse_url(url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )

        differences = compare_metadata(context, metadata)

    engine.dispose()
    assert differences == []


def test_names_of_constraints_are_those_of_the_code(url: str) -> None:
    engine = migration_engine(parse_url(url))
    inspector = sa.inspect(engine)

    for table in metadata.sorted_tables:
        if not (engine.dialect.name == "sqlite" and "sequence" in table.columns):
            # SQLite numbers rows by itself only where the key stands in the column, which has no name for it.
            assert inspector.get_pk_constraint(table.name)["name"] == table.primary_key.name
        migrated = {key["name"] for key in inspector.get_foreign_keys(table.name)}
        assert migrated == {key.name for key in table.foreign_key_constraints}
    engine.dispose()


def test_status_tells_what_is_pending_before_and_nothing_after(empty_url: str) -> None:
    before = schema_status(empty_url)

    migrate(empty_url)
    migrate(empty_url)

    after = schema_status(empty_url)
    assert (before.current, before.pending) == (None, _revisions())
    assert (after.current, after.pending) == (after.head, ())


def test_looking_at_the_status_creates_no_file(tmp_path: Path) -> None:
    schema_status(f"sqlite:///{tmp_path}/bot.db")

    assert list(tmp_path.iterdir()) == []


async def test_migrating_works_in_a_thread_of_a_running_loop(empty_url: str) -> None:
    await asyncio.to_thread(migrate, empty_url)

    database = Database(empty_url)
    await database.check()
    await database.close()


async def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    async def start() -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, empty_url, cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
        return process.returncode, errors

    ended = await asyncio.gather(*(start() for _ in range(3)))

    assert ended == [(0, b"")] * 3
    assert schema_status(empty_url).pending == ()


async def test_the_operators_stop_needs_no_setting_but_the_databases(url: str, tmp_path: Path) -> None:
    given = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "GATEWRIGHT_DATABASE_URL": url}
    told = []

    for words in (("stop", "the disk is full"), ("go",)):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words), cwd=tmp_path, env=given, stdout=asyncio.subprocess.PIPE
        )
        told.append((await process.communicate())[0].decode())

    assert "Applies are blocked" in told[0]
    assert "the disk is full" in told[1]


async def test_the_command_needs_no_setting_but_the_databases(empty_url: str, tmp_path: Path) -> None:
    given = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "GATEWRIGHT_DATABASE_URL": empty_url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "migrate"), cwd=tmp_path, env=given, stdout=asyncio.subprocess.PIPE
    )

    said, _ = await process.communicate()

    assert (process.returncode, "up to date" in said.decode()) == (0, True)


async def test_database_without_tables_is_not_ready_and_names_the_command(empty_url: str) -> None:
    database = Database(empty_url)

    with pytest.raises(SchemaError, match=f"at nothing, this program needs {_revisions()[-1]}"):
        await database.check()
    with pytest.raises(SchemaError, match="Run `gatewright migrate`"):
        async with database.read() as reader:
            await reader.runs()

    await database.close()


async def test_process_goes_on_and_starts_on_schema_of_newer_program(fresh_url: str) -> None:
    inspector = Inspector(fresh_url)
    inspector.execute("UPDATE gatewright_schema SET version_num = '9999'")
    inspector.execute("ALTER TABLE pushes ADD COLUMN of_tomorrow TEXT")
    database = Database(fresh_url)

    await asyncio.to_thread(migrate, fresh_url)
    await database.check()
    async with database.write() as writer:
        await writer.see_head("acme/infra", 1, Sha("a" * 40))

    status = schema_status(fresh_url)
    assert (status.current, status.is_newer, status.pending) == ("9999", True, ())
    assert inspector.rows("SELECT pull, of_tomorrow FROM pushes") == [(1, None)]
    await database.close()


async def test_schema_that_is_older_than_the_program_is_not_ready(fresh_url: str) -> None:
    older, newest = _revisions()[-2:]
    Inspector(fresh_url).execute(f"UPDATE gatewright_schema SET version_num = '{older}'")  # noqa: S608 -- Ours.
    database = Database(fresh_url)

    with pytest.raises(
        SchemaError, match=f"at {older}, this program needs {newest}. Run `gatewright migrate`"
    ):
        await database.check()

    await database.close()


def test_the_names_of_the_migrations_tell_their_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))

    assert tuple(script.revision for script in scripts.walk_revisions()) == _revisions()[::-1]


def test_the_schema_never_moves_backward(url: str, inspector: Inspector) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    with inspector.engine.begin() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(RuntimeError, match="only moves forward"):
            command.downgrade(config, "base")

    assert schema_status(url).current == schema_status(url).head
