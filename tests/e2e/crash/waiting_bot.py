"""The real server, but it waits where a test wants to change something: `python -m tests.e2e.crash.waiting_bot`.

When Terraform has applied, it makes the file `ended` in the playground's `site`, and goes on when there is a file `go`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import bot.server
from bot.adapters.terraform.cli import TerraformCli
from bot.settings import load

_applying = TerraformCli.apply


async def apply(self: TerraformCli, *arguments: Any, **named: Any) -> Any:
    output = await _applying(self, *arguments, **named)
    directory = Path.cwd().parent / "site"
    (directory / "ended").touch()
    while not (directory / "go").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.02)
    return output


if __name__ == "__main__":
    TerraformCli.apply = apply  # type: ignore[method-assign]
    sys.exit(asyncio.run(bot.server.run_forever(*load(), bot.server.Role.SERVE)))
