"""The short form of `make chaos`: a few kills at random moments."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from bot.playground.stack import Playground
from tests.chaos.ground import REPOSITORIES
from tests.chaos.trial import SETTINGS, SHORT, Trial, judge, tell
from tests.chaos.victims import Single


async def test_random_kills_of_the_bot_lose_and_repeat_nothing(
    tmp_path: Path,
) -> None:
    playground = Playground(directory=tmp_path, extra=SETTINGS, repositories=REPOSITORIES, limits=False)
    trial = Trial(
        playground=playground,
        victims=Single(playground=playground),
        scale=SHORT,
        seed=secrets.randbelow(1_000_000),
    )

    try:
        await playground.start()
        await trial.run()
        findings = await asyncio.to_thread(judge, trial)
    finally:
        tell(trial)
        await playground.stop(keep=False)

    assert findings == []
    assert trial.kills > 0
