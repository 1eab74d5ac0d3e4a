"""Follow a growing log file for the live view and for error messages."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.ports import OnLine

log = logging.getLogger(__name__)

CHUNK = 1 << 16
CHUNKS_AT_ONCE = 64
LONGEST_LINE = 1 << 16
"""Characters after which a line is cut."""
KEPT_LINES = 200
CUT_MARK = " … (line cut)"


class LogTail:
    """Reads the lines that a process appends to its log."""

    def __init__(self, path: Path, *, redact: Callable[[str], str], on_line: OnLine | None) -> None:
        self._path = path
        self._redact = redact
        self._on_line = on_line
        self._position = 0
        self._partial = b""
        self._skipping = False
        self._last: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def size(self) -> int:
        """Return the bytes that are in the file now."""
        return self._path.stat().st_size

    async def read(self) -> bool:
        """Pass on the complete lines; return whether those were all.

        It returns even if lines are written faster than they are passed on.
        """
        for _ in range(CHUNKS_AT_ONCE):
            if not self._read_chunk():
                return True
            # A burst of output must not hold up the event loop.
            await asyncio.sleep(0)
        return False

    async def finish(self, *, limit: int) -> None:
        """Pass on the rest after the process has ended, its unfinished last line too.

        Of a file larger than `limit` only the end is looked at.
        """
        if self.size > limit:
            self._position = max(self._position, self.size - CHUNK)
            self._partial, self._skipping = b"", True
        while not await self.read():
            pass
        if self._partial and not self._skipping:
            self._emit_all([_decoded(self._partial)])
        self._partial = b""

    def mute(self, notice: str) -> None:
        """Empty the file and stop passing on lines, but keep recording the last ones."""
        if self._on_line is not None:
            self._pass_on(notice)
            self._on_line = None
        os.truncate(self._path, 0)
        self._position = 0

    def last(self, count: int) -> str:
        """Return the last lines, redacted as one text because a secret may span several."""
        text = self._redact("\n".join(self._last))
        return "\n".join(text.split("\n")[-count:])

    def text(self) -> str:
        """Return all kept lines, as `last` does."""
        return self.last(KEPT_LINES)

    def _read_chunk(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(self._position)
            chunk = file.read(CHUNK)
        self._position += len(chunk)
        *complete, rest = (self._partial + chunk).split(b"\n")
        if complete and self._skipping:
            self._skipping = False
            del complete[0]
        self._emit_all([_decoded(line) for line in complete])
        self._partial = self._shorten(rest)
        return bool(chunk)

    def _shorten(self, partial: bytes) -> bytes:
        if self._skipping:
            return b""
        if len(partial) > 2 * LONGEST_LINE:
            # Twice the length is redacted before the cut, so that no secret is cut in two.
            self._emit_all([_decoded(partial)])
            self._skipping = True
            return b""
        return partial

    def _emit_all(self, lines: Sequence[str]) -> None:
        """Redact and pass on.

        Where the lines as one text hold no secret, none of them does, which is faster to see.
        """
        block = "\n".join(lines)
        clean = self._redact(block) == block
        for line in lines:
            self._emit(line, line if clean else self._redact(line))

    def _emit(self, line: str, redacted: str) -> None:
        if len(redacted) > LONGEST_LINE:
            redacted = line = redacted[:LONGEST_LINE] + CUT_MARK
        self._last.append(line)
        if self._on_line is not None:
            self._pass_on(redacted)

    def _pass_on(self, line: str) -> None:
        try:
            if self._on_line is not None:
                self._on_line(line)
        except Exception:
            # A failure to show the lines must not end a running apply.
            log.exception("passing on a line of Terraform's output failed; the lines end here")
            self._on_line = None


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace").rstrip("\r").replace("\x00", "\N{REPLACEMENT CHARACTER}")
