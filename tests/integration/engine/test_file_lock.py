from __future__ import annotations

from pathlib import Path

import pytest

from bot.engine.config import EngineError
from bot.engine.file_lock import DatabaseFileLock


def test_a_restart_waits_for_the_end_of_a_killed_server(tmp_path: Path) -> None:
    killed = DatabaseFileLock(tmp_path / "bot.db")
    killed.acquire()
    next_one = DatabaseFileLock(tmp_path / "bot.db", sleep=lambda _: killed.release())

    next_one.acquire()

    next_one.release()


def test_a_server_that_runs_on_keeps_its_database(tmp_path: Path) -> None:
    running = DatabaseFileLock(tmp_path / "bot.db")
    running.acquire()

    with pytest.raises(EngineError, match="already runs on this data directory"):
        DatabaseFileLock(tmp_path / "bot.db", sleep=lambda _: None).acquire()

    running.release()
