"""Tidying up goes on whatever one round has met: nobody looks whether it still does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.services.upkeep.upkeep import Keep, Upkeep


class EngineTroubleError(Exception):
    """What the engine's library raises is no error of ours."""


@dataclass
class Machine:
    """One on which the first round fails."""

    rounds: int = 0
    tidied: asyncio.Event = field(default_factory=asyncio.Event)

    async def prune(self, _: timedelta) -> Sequence[object]:
        self.rounds += 1
        if self.rounds == 1:
            raise EngineTroubleError
        self.tidied.set()
        return ()


async def test_round_that_met_unknown_trouble_is_not_the_last_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = Machine()
    nothing = cast("Any", None)
    upkeep = Upkeep(
        records=nothing,
        artifacts=nothing,
        logs=nothing,
        prune_workspace=machine.prune,
        prune_workflows=nothing,
        clock=nothing,
        keep=Keep(logs=None, plans=None, payloads=None, workflows=None, idle=timedelta(days=1)),
        every=timedelta(0),
        on_tidied=nothing,
    )

    going_on = asyncio.create_task(upkeep.run_forever())
    try:
        async with asyncio.timeout(10):
            tidied = asyncio.create_task(machine.tidied.wait())
            await asyncio.wait({tidied, going_on}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        tidied.cancel()
        going_on.cancel()
        await asyncio.gather(going_on, tidied, return_exceptions=True)

    assert machine.rounds > 1
    assert "it goes on next time" in caplog.text
