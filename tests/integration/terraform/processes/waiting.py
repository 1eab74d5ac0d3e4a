"""Terraform runs that wait until a test goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.integration.terraform.bench import Bench

WAITING = """
resource "terraform_data" "done" {}
resource "terraform_data" "waiting" {
  depends_on = [terraform_data.done]
  provisioner "local-exec" {
    command = "touch started; while [ ! -e go ]; do sleep 0.05; done"
  }
}
"""
PATIENCE = 30.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # What is waited for happens in other processes.
            await asyncio.sleep(0.02)


def asked_by(who: str, *, once: Callable[[], bool]) -> Callable[[], Awaitable[str | None]]:
    async def stop() -> str | None:
        return who if once() else None

    return stop


def started(bench: Bench) -> Path:
    return bench.slot.tree / "terraform" / "started"
