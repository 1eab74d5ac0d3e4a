"""The store went away under a running apply, and the server was killed: the state is kept and can be recovered."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from pathlib import Path

import pytest

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.scene import planned_slow_pull, until_exists
from tests.e2e.world import World, state_locks, terraform_processes


@pytest.fixture
def settings() -> dict[str, str]:
    """Terraform tries to save a state for half a minute unless it is told otherwise."""
    return {"STAGING_AWS_MAX_ATTEMPTS": "2"}


async def test_unsaved_state_is_kept_and_recovered_by_commands_of_status(
    own: Playground, tmp_path: Path
) -> None:
    # Given an apply whose store goes away, and whose server is killed, before it has ended,
    world, seen = World(playground=own, repo=REPO), await planned_slow_pull(own)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await until_exists(own.directory / "site" / "count")
    await own.bot.stop(kill=True)
    await own.s3.stop()
    async with asyncio.timeout(90):
        while await asyncio.to_thread(terraform_processes, own):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.2)
    # when both are back,
    await own.s3.start()
    await own.start_bot()
    told = await seen.hear({"kind": "apply", "env": "staging", "status": "interrupted"})
    # then it is told that the state was not saved and is still locked, and nothing is lost when it is planned again.
    assert "Terraform could not save the state" in told.body
    assert "The state is still locked" in told.body
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
    assert await asyncio.to_thread(state_locks, own) == ["staging/terraform.tfstate.tflock"]
    # When an operator pastes what `/status` offers,
    await own.github.comment(REPO, seen.number, author="dev", body="/status")
    status = await seen.hear({"kind": "status"})
    assert f"`{socket.gethostname()}`" in status.body
    commands = re.search(r"```\n(.*?)\n```", status.body, re.DOTALL)
    assert commands is not None
    await paste(commands[1], own, tmp_path)
    # then the state has everything, its lock is free, and there is nothing to recover any more.
    assert await asyncio.to_thread(state_locks, own) == []
    await own.github.comment(REPO, seen.number, author="dev", body="/plan staging")
    await seen.hear({"kind": "plan", "env": "staging", "status": "no_changes"})
    await own.github.comment(REPO, seen.number, author="dev", body="/status")
    assert "could not save" not in (await seen.hear({"kind": "status"})).body
    await world.idle()


async def paste(commands: str, playground: Playground, home: Path) -> None:
    """Run an operator's shell with a key pair that may write the state."""
    keys = playground.s3.credentials("staging", "apply")
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-e", "-c", commands),
        env={
            "PATH": f"{playground.engine.binary.parent}{os.pathsep}{os.defpath}",
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await shell.communicate()
    assert shell.returncode == 0, said.decode()
