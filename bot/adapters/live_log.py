"""Live log lines of a run for all processes, as encrypted chunks in the database."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Sequence
from typing import Final

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import RunId
from bot.ports import Cipher, Clock, LogChunk, Records

_LOG = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.3
"""How long lines are collected before they are written together."""
_AGAIN_SECONDS: Final = 2.0
_CHUNK_CHARACTERS: Final = 128 * 1024
_MOST_CHARACTERS: Final = 8 * 1024 * 1024
"""Maximum size for one run; further lines are only in the stored log, to limit the database."""
_PLAN_TEXT: Final = re.compile(
    r"Note: Objects have changed outside of|(Terraform|OpenTofu) (used the selected providers|will perform"
    r"|detected the following changes|planned the following actions)|Changes to Outputs:|Plan: \d+ to "
    r"| {2,}(#|[-+~]|-/\+|\+/-|<=) "
)
"""First line of a plan's text, whose secret values are known only once it is complete."""
WITHHELD: Final = "(The plan is shown when it is complete and its secrets are known.)"
CUT: Final = "(The live view ends here; the whole log is shown when the run has ended.)"


class LiveLog:
    """Accepts lines at any time and never fails, so that it cannot disturb a running apply."""

    def __init__(
        self,
        run_id: RunId,
        *,
        records: Records,
        cipher: Cipher,
        clock: Clock,
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        self._run_id = run_id
        self._records = records
        self._cipher = cipher
        self._clock = clock
        self._gather = gather_seconds
        self._pending: deque[str] = deque()
        self._characters = 0
        self._silent = False
        self._next: int | None = None
        self.began: int | None = None
        """How many lines others had shared before; None while nothing of ours was written."""
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def write(self, text: str) -> None:
        """Share one or several lines; must be called in the event loop."""
        if self._silent:
            return
        for line in text.rstrip("\n").split("\n"):
            self._characters += len(line)
            notice = (
                WITHHELD if _PLAN_TEXT.match(line) else CUT if self._characters > _MOST_CHARACTERS else None
            )
            self._pending.append(line if notice is None else notice)
            if notice is not None:
                self._silent = True
                break
        self._wake.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_behind())

    async def close(self) -> None:
        """Stop sharing; unwritten lines are only in the stored log."""
        self._silent = True
        if self._task is not None:
            async with self._writing:  # No transaction is broken off in its middle.
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _write_behind(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self._gather)
            try:
                async with self._writing:
                    await self._flush()
            except GatewrightError as error:
                _LOG.warning("lines of run %s could not be shared yet: %s", self._run_id, error)
                self._wake.set()
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _flush(self) -> None:
        while self._pending:
            lines = self._take()
            async with self._records.write() as writer:
                # Another machine may have begun the log of this run; ours continues at its end.
                start = await writer.log_lines(self._run_id) if self._next is None else self._next
                await writer.add_log_chunk(self._chunk(start, lines))
            self.began = start if self.began is None else self.began
            self._next = start + len(lines)
            for _ in lines:
                self._pending.popleft()

    def _take(self) -> Sequence[str]:
        taken: list[str] = []
        size = 0
        for line in self._pending:
            if taken and size + len(line) > _CHUNK_CHARACTERS:
                break
            taken.append(line)
            size += len(line)
        return taken

    def _chunk(self, start: int, lines: Sequence[str]) -> LogChunk:
        data = "\n".join(lines).encode("utf-8", "replace")
        return LogChunk(
            run_id=self._run_id,
            start=start,
            lines=len(lines),
            data=self._cipher.seal(data, context=context(self._run_id, start)),
            at=self._clock.now(),
        )


def context(run_id: RunId, start: int) -> str:
    """Return the context that binds a chunk to its run and place."""
    return f"live/{run_id}/{start}"


def opened(chunks: Sequence[LogChunk], cipher: Cipher, *, after: int) -> list[str]:
    """Return the lines of the chunks without the first `after` lines of the run."""
    lines: list[str] = []
    for chunk in chunks:
        text = cipher.open(chunk.data, context=context(chunk.run_id, chunk.start)).decode("utf-8", "replace")
        lines += text.split("\n")[max(0, after - chunk.start) :]
    return lines
