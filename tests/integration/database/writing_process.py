"""A process that writes to GitHub as long as it finds a token, and prints how often it did: URL, its name."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial

from bot.adapters.database import Database
from bot.domain.core.write_buckets import Bucket, Turn, WriteKind, WriteLimits, WriteState, ask

TOKENS = 40
LIMITS = WriteLimits(buckets={"hour": Bucket(tokens=TOKENS, seconds=3600.0)})
RECORD = WriteKind(awaited=False, content=False)


def step(name: str, state: WriteState) -> tuple[WriteState, Turn]:
    return ask(state, LIMITS, name, (RECORD,), time.time())


async def main(url: str, name: str) -> None:
    database, written = Database(url), 0
    while not (turn := await database.change_writes("acme", partial(step, name))).starved:
        if turn.granted is None:
            await asyncio.sleep(turn.waits[RECORD] / 10)
        else:
            written += 1
    await database.close()
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
