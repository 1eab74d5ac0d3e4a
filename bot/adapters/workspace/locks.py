"""File locks that outlive the process that took them, awaited without blocking the loop.

A child that inherits the descriptor shares the lock, so a lock is released by closing, never by LOCK_UN.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_POLL_SECONDS = 0.1


def try_lock(path: Path, *, exclusive: bool = True) -> int | None:
    """Return the descriptor of the lock, None while another process holds it.

    Creates the file, not its directory.
    """
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            if _is_still_at(fd, path):
                return fd
        except BlockingIOError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        # The directory was moved away between our open and our lock: look again at the path.
        os.close(fd)


def lock_within(path: Path, seconds: float, *, sleep: Callable[[float], None] = time.sleep) -> int | None:
    """Return the descriptor of the lock, None if it is not free within this time; blocking."""
    # A process that was killed holds its locks until its last thread and its last child have ended.
    for _ in range(int(seconds / _POLL_SECONDS)):
        if (fd := try_lock(path)) is not None:
            return fd
        sleep(_POLL_SECONDS)
    return try_lock(path)


def _is_still_at(fd: int, path: Path) -> bool:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    held = os.fstat(fd)
    return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)


async def wait_for_lock(path: Path, *, exclusive: bool = True) -> int:
    """Return the descriptor of the lock once it is ours.

    Makes the directory again when it was moved away.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            fd = try_lock(path, exclusive=exclusive)
        except FileNotFoundError:
            continue
        if fd is not None:
            return fd
        await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def locked(path: Path, *, exclusive: bool = True) -> AsyncIterator[int]:
    """Hold a lock file; yields its descriptor."""
    fd = await wait_for_lock(path, exclusive=exclusive)
    try:
        yield fd
    finally:
        os.close(fd)


@asynccontextmanager
async def fair_lock(directory: Path, name: str, *, exclusive: bool) -> AsyncIterator[int]:
    """Hold a shared or exclusive lock; sharers cannot starve an exclusive waiter.

    Who waits holds the turnstile, so that no later one gets in first.
    """
    async with locked(directory / f"{name}.turn"):
        fd = await wait_for_lock(directory / f"{name}.lock", exclusive=exclusive)
    try:
        yield fd
    finally:
        os.close(fd)
