"""Watching a running program: its lines, its deadline, and requests to stop it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.terraform.memory import resident_bytes
from bot.adapters.terraform.process import Child
from bot.adapters.terraform.tail import LogTail
from bot.ports import Stop

log = logging.getLogger(__name__)

LARGEST_ANSWER = 256 << 20
"""Largest JSON of plans or outputs that is read; in memory it is several times as large."""
LOOK_INTERVAL = 0.1
"""Seconds between looks at the log."""
QUESTION_INTERVAL = 0.5
"""Seconds between looks for a request to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a program's time, memory and output."""

    grace: float = 30.0
    """Seconds between the first SIGINT and the second, for a change."""
    repeatable_grace: float = 5.0
    """The same for repeatable programs: they have nothing to save, and a provider may hang."""
    last_grace: float = 10.0
    """Seconds between the second SIGINT and SIGKILL."""
    output_bytes: int = 64 << 20
    """Size limit of a log. Above it, a plan is stopped; an apply continues without more lines."""
    memory_bytes: int = 4 << 30
    """Memory limit of a repeatable program with all its children; above it, it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended; at most one of the reasons is set, and none when it ended on its own."""

    exit_code: int
    stopped_by: str | None = None
    timed_out: bool = False
    printed_too_much: bool = False
    took_too_much_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """One program under watch."""

    child: Child
    tail: LogTail
    stop: Stop | None
    deadline: float
    """In the event loop's time."""
    limits: Limits
    may_outlive: bool
    """Whether the program is left running when the watching task is cancelled."""
    answer: Path | None = None
    """File for its standard output; None for the log."""

    async def until_ended(self) -> Ended:
        """Wait for the end of the process, and stop it on request or after its time limit."""
        try:
            ended = await self._watch()
        except asyncio.CancelledError:
            if self.may_outlive:
                self.child.abandon()
            else:
                await self._end_despite_cancellation()
            raise
        await self.tail.finish(limit=self.limits.output_bytes)
        return ended

    async def _watch(self) -> Ended:
        loop = asyncio.get_running_loop()
        next_question = loop.time() + QUESTION_INTERVAL
        while True:
            code = await self._look()
            if code is not None:
                return Ended(exit_code=code)
            if self._prints_too_much():
                return Ended(exit_code=await self._end(), printed_too_much=True)
            if loop.time() >= self.deadline:
                return Ended(exit_code=await self._end(), timed_out=True)
            if loop.time() >= next_question:
                who = await who_asks_to_stop(self.stop)
                if who is not None:
                    return Ended(exit_code=await self._end(), stopped_by=who)
                if await self._takes_too_much_memory():
                    # A graceful stop would take even more memory, and the program has nothing to save.
                    return Ended(exit_code=await self._kill(), took_too_much_memory=True)
                next_question = loop.time() + QUESTION_INTERVAL

    async def _look(self) -> int | None:
        code = await self.child.exited(LOOK_INTERVAL)
        await self.tail.read()
        return code

    async def _takes_too_much_memory(self) -> bool:
        """Whether it endangers the machine.

        Some lines of code can expand to more than any machine has.
        """
        if self.may_outlive:
            return False
        return await asyncio.to_thread(resident_bytes, self.child.pid) > self.limits.memory_bytes

    def _prints_too_much(self) -> bool:
        if self.answer is not None and self.answer.stat().st_size > LARGEST_ANSWER:
            return True
        if self.tail.size <= self.limits.output_bytes:
            return False
        if self.may_outlive:
            # Stopping a change for its chatter would do more harm than losing the chatter.
            self.tail.mute("The output limit is reached; what follows is not kept.")
            return False
        return True

    async def _end(self) -> int:
        """Interrupt, wait, interrupt again, wait, kill.

        Returns the exit code when the process is gone.
        """
        loop = asyncio.get_running_loop()
        first = self.limits.grace if self.may_outlive else self.limits.repeatable_grace
        for grace in (first, self.limits.last_grace):
            self.child.interrupt()
            until = loop.time() + grace
            while loop.time() < until:
                code = await self._look()
                if code is not None:
                    return code
        return await self._kill()

    async def _kill(self) -> int:
        while True:
            self.child.kill()
            code = await self._look()
            if code is not None:
                return code

    async def _end_despite_cancellation(self) -> None:
        ending = asyncio.ensure_future(self._end())
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                log.info("still waiting for Terraform to end")


async def who_asks_to_stop(stop: Stop | None) -> str | None:
    """Return who asked to stop.

    A question that fails is not a request, and must not orphan a running apply.
    """
    if stop is None:
        return None
    try:
        return await stop()
    except Exception:
        log.exception("asking whether to stop failed; Terraform goes on")
        return None
