"""A bot in miniature, run as a program of its own so that a test can kill it: `apply` or `plan` in a slot."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

from bot.adapters.terraform import Sandbox, TerraformCli
from tests.integration.terraform.bench import Bench


async def main(what: str, root: str, endpoint_url: str, sandbox: str) -> None:
    terraform = TerraformCli(sandbox=Sandbox() if sandbox == "on" else None)
    bench = Bench(Path(root), endpoint_url, terraform)
    lock = os.open(Path(root) / "lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    plan = await bench.plan()
    if what == "apply":
        await bench.apply(plan, keep_fds=(lock,))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
