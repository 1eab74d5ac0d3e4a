"""What a killed process had in hand is looked for at once by the next one, not when its turn is due again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.dying import died, settled, start_dying
from tests.e2e.crash.scene import planned


async def test_lost_deliveries_are_found_although_first_to_look_was_killed(own: Playground) -> None:
    # Given a command that came while no server was there, and a server that is killed as it begins to look for it,
    seen = await planned(own, "turn")
    await own.bot.stop()
    await own.github.comment(REPO, seen.number, author="dev", body="/status")
    await own.github.settled()
    forget_turns(own)
    await start_dying(own, "turn-taken")
    await died(own)
    # when the next one starts,
    await own.start_bot()
    # then it looks at once.
    await seen.hear({"kind": "status"})
    await settled(own)


def forget_turns(playground: Playground) -> None:
    """Make every duty due at once, as it is when a server starts after a while."""
    file = playground.directory / "bot" / "data" / "gatewright.db"
    with closing(sqlite3.connect(file, timeout=30)) as connection, connection:
        connection.execute("DELETE FROM duties")
