"""Which databases are accepted, and what is said of those that are not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bot.adapters.database import Database, migrate
from bot.adapters.database.connection.engines import require_sqlite
from bot.adapters.database.connection.errors import DatabaseSettingError, DatabaseUnavailableError


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("", "is invalid", id="empty"),
        pytest.param("/var/lib/bot.db", "is invalid", id="a bare path"),
        pytest.param("sqlite://", "needs a file", id="SQLite in memory"),
        pytest.param("sqlite:///:memory:", "needs a file", id="SQLite in memory, spelled out"),
        pytest.param("sqlite:////no/such/directory/bot.db", "No such file", id="missing directory"),
        pytest.param("mysql://u:hunter2@db/bot", "neither", id="another database"),
        pytest.param("postgresql+asyncpg://u:hunter2@db/bot", "neither", id="a driver of one's own"),
    ],
)
def test_unusable_database_is_refused_at_once_without_its_password(url: str, words: str) -> None:
    with pytest.raises(DatabaseSettingError, match=words) as caught:
        Database(url)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("python", "sqlite"),
    [
        pytest.param((3, 11), (3, 34, 1), id="too old for us"),
        pytest.param((3, 12), (3, 40, 1), id="too old for the durable engine on newer Pythons"),
        pytest.param((3, 13), (3, 41, 2), id="just too old"),
    ],
)
def test_an_unfit_sqlite_is_refused_with_a_way_out(python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    with pytest.raises(DatabaseSettingError, match="Use PostgreSQL"):
        require_sqlite(python, sqlite)


@pytest.mark.parametrize(
    ("python", "sqlite"),
    [((3, 11), (3, 35, 0)), ((3, 11), (3, 40, 1)), ((3, 12), (3, 42, 0)), ((3, 13), (3, 45, 1))],
)
def test_a_fit_sqlite_is_accepted(python: tuple[int, ...], sqlite: tuple[int, ...]) -> None:
    require_sqlite(python, sqlite)


async def test_silent_server_is_named_unavailable_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        database = Database(f"postgresql://bot:hunter2@127.0.0.1:{unused.getsockname()[1]}/bot")

        with pytest.raises(DatabaseUnavailableError, match="cannot be reached") as caught:
            await database.check()

    await database.close()
    assert "hunter2" not in str(caught.value) + repr(caught.value.__cause__)


async def test_a_wrong_password_is_an_unavailable_database_too(postgres_server: str) -> None:
    database = Database(postgres_server.replace("only-for-tests", "hunter2") + "/postgres")

    with pytest.raises(DatabaseUnavailableError) as caught:
        await database.check()

    await database.close()
    assert "hunter2" not in str(caught.value) + repr(caught.value.__cause__)


def test_a_file_that_is_no_database_is_named_so(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_bytes(b"x" * 4096)

    with pytest.raises(DatabaseUnavailableError, match="migrating the database"):
        migrate(f"sqlite:///{tmp_path}/bot.db")
