from __future__ import annotations

import asyncio
import random
import secrets

import pytest
import sqlalchemy as sa

from bot.playground.process import BotProcess
from tests.e2e.workers.crowd import crowd
from tests.e2e.workers.fleet import PATIENCE, Fleet
from tests.stalls.proxy import Message, StallingProxy, stalling_proxy

pytestmark = pytest.mark.timeout(3 * PATIENCE)
_SHARES = ((1, 150), (150, 600), (600, 1800))
"""Of a plan that begins after the first message: one stall in each of these."""


async def _ended(worker: BotProcess) -> None:
    async with asyncio.timeout(PATIENCE):
        while worker.pid is not None:  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.1)


def _stall(proxy: StallingProxy, after: int) -> None:
    """Let it stand still after so many further messages."""
    last = len(proxy.seen) + after

    def is_last(message: Message) -> bool:
        return message.number >= last

    proxy.stalls_after = is_last


async def test_a_plan_is_made_once_wherever_its_worker_stood_still(fleet: Fleet) -> None:
    seed = secrets.randbelow(1_000_000)
    chosen = [random.Random(seed).randrange(*share) for share in _SHARES]  # noqa: S311
    print(f"seed {seed}: stalls after the messages {chosen} of a plan")  # noqa: T201
    many = crowd(fleet, "still")
    await many.create()
    url = sa.make_url(fleet.database_url)
    assert url.port is not None
    for number, after in enumerate(chosen):
        async with stalling_proxy(url.port) as proxy:
            # Given a worker that is cut off from the database while it plans, but not from anything else,
            cut_off = url.set(port=proxy.port, query={"sslmode": "disable", "gssencmode": "disable"})
            first = await fleet.start_worker(
                f"first-{number}", DATABASE_URL=cut_off.render_as_string(hide_password=False)
            )
            _stall(proxy, after)
            [pull] = await many.open(1, first=number)
            await proxy.stalled.wait()

            # when another one is there, and the first is let go on after the takeover,
            if not number:
                await fleet.start_worker("other")
            await fleet.idle()
            await fleet.alone()
            before = dict(many.said(pull))
            proxy.release()
            await _ended(first)
            await fleet.idle()

        # then the plan is there once, and the first has said and recorded nothing more.
        assert before == dict(many.said(pull)) == {("plan", "planned"): 1}
    plans = fleet.ask("SELECT pull, count(*) AS plans FROM plans GROUP BY pull")
    assert {row["plans"] for row in plans} == {1}
    assert fleet.ask("SELECT * FROM runs WHERE status <> 'succeeded'") == []
