"""A program that takes a lock like a crashed bot's Terraform: it inherits the descriptor and outlives its parent's hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def inherited_by_a_child(fd: int) -> AsyncIterator[None]:
    """Run a child that inherited the descriptor; it ends with the block."""
    child = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=(fd,)
    )
    try:
        yield
    finally:
        await child.communicate(b"")
