"""Commands that work on the database say which, and never invent one."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.adapters.database import migrate
from tests.integration.cli.conftest import Shell


@pytest.fixture
async def migrated(shell: Shell) -> Shell:
    await asyncio.to_thread(migrate, shell.database)
    return shell


async def test_migrate_without_settings_makes_no_database(shell: Shell) -> None:
    ended = await shell.run("migrate")

    assert ended.code == 1
    assert ended.err.startswith("error: no database is configured: set GATEWRIGHT_DATABASE_URL")
    assert list(shell.directory.iterdir()) == []


async def test_migrate_says_which_database_is_up_to_date(shell: Shell) -> None:
    ended = await shell.run("migrate", DATABASE_URL=shell.database)

    assert ended.code == 0
    assert ended.out.startswith("Database is up to date (schema 00")
    assert ended.out.endswith(f"at {shell.database}\n")


async def test_the_status_of_a_database_can_be_read_by_programs(shell: Shell) -> None:
    before = await shell.run("migrate", "--status", "--json", DATABASE_URL=shell.database)
    await shell.run("migrate", DATABASE_URL=shell.database)
    after = await shell.run("migrate", "--status", "--json", DATABASE_URL=shell.database)

    assert (before.code, after.code) == (1, 0)
    assert json.loads(before.out)["schema"] is None
    assert json.loads(before.out)["pending"][0] == "0001"
    newest = json.loads(after.out)
    assert newest == {
        "database": shell.database,
        "schema": newest["needs"],
        "needs": newest["needs"],
        "pending": [],
        "usable": True,
    }


@pytest.mark.parametrize(
    "words",
    [
        ("stop", "the disk is full"),
        ("go",),
        ("export",),
        ("state", "owner"),
    ],
    ids=lambda words: words[0],
)
async def test_commands_refuse_a_database_that_is_not_there(shell: Shell, words: tuple[str, ...]) -> None:
    ended = await shell.run(*words, DATABASE_URL=shell.database, STATE_BUCKET="states")

    assert ended.code == 1
    assert ended.err.startswith(f"error: no Gatewright database at {shell.database}")
    assert "gatewright migrate" in ended.err
    assert list(shell.directory.iterdir()) == []


async def test_stop_and_go_name_the_database(migrated: Shell) -> None:
    stopped = await migrated.run("stop", "the disk is full", DATABASE_URL=migrated.database)
    going = await migrated.run("go", DATABASE_URL=migrated.database)
    again = await migrated.run("go", DATABASE_URL=migrated.database)

    assert stopped.out.startswith("Applies are blocked until `gatewright go`")
    assert migrated.database in stopped.out
    assert going.out.startswith("Applies are allowed again")
    assert "the disk is full" in going.out
    assert migrated.database in going.out
    assert (again.code, again.err) == (1, f"error: no stop to lift in {migrated.database}\n")


async def test_export_needs_the_databases_settings_alone(migrated: Shell) -> None:
    await migrated.run("stop", "the disk is full", DATABASE_URL=migrated.database)

    ended = await migrated.run("export", DATABASE_URL=migrated.database)

    assert ended.code == 0, ended.err
    assert "the disk is full" in ended.out
    assert ended.err == f"1 record from {migrated.database}\n"


async def test_owners_of_states_can_be_read_by_programs(migrated: Shell) -> None:
    given = {"DATABASE_URL": migrated.database, "STATE_BUCKET": "states"}
    await migrated.run("state", "owner", "dev/x.tfstate", "--move", "acme/infra", "--env", "dev", **given)

    ended = await migrated.run("state", "owner", "--json", **given)

    [owner] = json.loads(ended.out)
    assert owner.pop("since")
    assert owner == {
        "bucket": "states",
        "key": "dev/x.tfstate",
        "repository": "acme/infra",
        "repository_id": None,
        "project": "default",
        "environment": "dev",
    }
    assert f"{migrated.database}" in ended.err
