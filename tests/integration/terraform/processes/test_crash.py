from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.terraform.bench import STATE_KEY, Bench, processes_naming
from tests.integration.terraform.hanging_server import hanging_server
from tests.integration.terraform.processes.waiting import PATIENCE, WAITING, started, until
from tests.integration.terraform.state_server import StateServer

REPOSITORY = Path(__file__).parents[4]
StartBot = Callable[[str], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start_bot(bench: Bench, request: pytest.FixtureRequest) -> AsyncIterator[StartBot]:
    """Return a way to start a bot that plans or applies the bench's module."""
    bots: list[asyncio.subprocess.Process] = []
    sandbox = "on" if request.node.callspec.params["bench"] == "sandboxed" else "off"

    async def start(what: str) -> asyncio.subprocess.Process:
        bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.terraform.processes.crashing_bot",
            what,
            str(bench.root),
            bench.endpoint_url,
            sandbox,
            cwd=REPOSITORY,
        )
        bots.append(bot)
        return bot

    yield start
    for bot in bots:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()


def is_held(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "ended"])
async def test_apply_outlives_its_bot_and_keeps_lock_until_its_end(
    bench: Bench, state: StateServer, start_bot: StartBot, how: signal.Signals
) -> None:
    bench.write({"terraform/main.tf": WAITING})
    bot = await start_bot("apply")
    await until(started(bench).exists)

    bot.send_signal(how)
    await bot.wait()
    held_by_the_orphan = is_held(bench.root / "lock")
    locked_in_the_bucket = f"{STATE_KEY}.tflock" in state.stored_keys()
    bench.write({"terraform/go": ""})
    await until(lambda: not is_held(bench.root / "lock"))

    assert held_by_the_orphan
    assert locked_in_the_bucket
    assert f"{STATE_KEY}.tflock" not in state.stored_keys()
    resources = (state.state(STATE_KEY) or {})["resources"]
    assert [item["name"] for item in resources] == ["done", "waiting"]
    assert [instance.get("status") for item in resources for instance in item["instances"]] == [None, None]
    log = next((bench.slot.scratch / "logs").glob("*-apply.log"))
    assert "Apply complete! Resources: 2 added" in log.read_text()


async def test_a_plan_dies_with_a_killed_bot(bench: Bench, start_bot: StartBot) -> None:
    async with hanging_server() as server:
        bench.write({"terraform/main.tf": server.module})
        bot = await start_bot("plan")
        await asyncio.wait_for(server.asked.wait(), PATIENCE)

        bot.kill()
        await bot.wait()

        await asyncio.wait_for(server.left_alone.wait(), PATIENCE)
        await until(lambda: not processes_naming(str(bench.slot.scratch)))
    assert not (bench.slot.scratch / "terraform" / "plan.tfplan").exists()
