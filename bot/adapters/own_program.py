"""Programs of a developer's own policy on the developer's own machine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from bot.domain.core.errors import GatewrightError


async def run_program(argv: Sequence[str], directory: Path) -> int:
    """Run a program in `directory` with this process's environment and terminal.

    Returns the exit code. GatewrightError if it cannot be started. There is no shell.
    """
    try:
        process = await asyncio.create_subprocess_exec(*argv, cwd=directory, stdin=asyncio.subprocess.DEVNULL)
    except OSError as error:
        raise GatewrightError(f"{argv[0]} cannot be started: {error.strerror}") from error
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
