"""The real server, which counts its SQL statements and commits: `python -m tests.bench.counted_bot FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import bot.server
from bot.settings import load
from tests.bench.tally import Tally


def main(file: str) -> int:
    """Serve until told to stop."""
    tally = Tally(Path(file))
    _count(tally)
    return asyncio.run(bot.server.run_forever(*load(), bot.server.Role.SERVE))


def _count(tally: Tally) -> None:
    """Count for every engine of this process, the durable engine's included."""

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def statement(_: object, __: object, statement: str, *___: Any) -> None:
        # SQLite's transactions begin with a statement of our own, those of PostgreSQL without one.
        if not statement.startswith("BEGIN"):
            tally.statements += 1

    @sa.event.listens_for(sa.Engine, "commit")
    def commit(_: object) -> None:
        tally.commits += 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
