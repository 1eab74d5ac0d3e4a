"""Worker processes that a test starts and kills, and what they wrote down."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.integration.engine.work import until

_ROOT = Path(__file__).parents[3]


@dataclass
class Worker:
    process: asyncio.subprocess.Process
    trace: Path

    async def wait_for(self, step: str) -> None:
        await until(lambda: any(line[0] == step and line[2] == self.process.pid for line in read(self.trace)))

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


def read(trace: Path) -> list[tuple[str, str, int]]:
    """What all workers wrote: step, argument, process id."""
    if not trace.exists():
        return []
    lines = [line.split() for line in trace.read_text().splitlines() if line.count(" ") == 2]
    return [(step, argument, int(pid)) for step, argument, pid in lines]


@asynccontextmanager
async def workers(url: str, trace: Path, *modes: str, count: int) -> AsyncIterator[list[Worker]]:
    """Start several at the same time."""
    async with AsyncExitStack() as stack:
        starting = (stack.enter_async_context(worker(url, trace, *modes)) for _ in range(count))
        yield list(await asyncio.gather(*starting))


@asynccontextmanager
async def worker(url: str, trace: Path, *modes: str) -> AsyncIterator[Worker]:
    """Start a worker process in these modes of `worker`; it is killed at the end if the test did not."""
    argv = [sys.executable, "-m", "tests.integration.engine.worker", url, str(trace)]
    process = await asyncio.create_subprocess_exec(*argv, *modes, cwd=_ROOT)
    started = Worker(process, trace)
    try:
        await started.wait_for("ready")
        yield started
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
