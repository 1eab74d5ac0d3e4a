"""Logs of runs: a local file with shared live lines, then an encrypted object."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bot.adapters.live_log import LiveLog, opened
from bot.domain.core.errors import ObjectMissingError
from bot.domain.core.model import RunId
from bot.ports import Cipher, Clock, ObjectStore, Records

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class FileLog:
    """Appends to an unbuffered file, so that a crash loses no line, and shares the lines."""

    path: Path
    live: LiveLog

    def write(self, line: str) -> None:
        """Append one line, or several if `line` has line ends.

        On a full disk the line is dropped, since the result of Terraform matters more than its log.
        """
        try:
            self._append(line)
        except OSError as error:
            _LOG.warning("a line of %s could not be written: %s", self.path.name, error.strerror)
        self.live.write(line)

    def _append(self, line: str) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (line.rstrip("\n") + "\n").encode("utf-8", "replace"))
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRunLogs:
    """Implements `bot.services.runs.run_logs.RunLogs` and `bot.web.services.Logs`."""

    directory: Path
    store_to: ObjectStore
    cipher: Cipher
    records: Records
    clock: Clock
    _live: dict[RunId, LiveLog] = field(default_factory=dict, init=False)
    _inherits: set[RunId] = field(default_factory=set, init=False)
    """Runs without a local file, whose log another machine may have started."""

    def open(self, run_id: RunId) -> FileLog:
        """Start or continue the log of a run."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(run_id)
        if not path.exists():
            self._inherits.add(run_id)
        live = self._live.get(run_id)
        if live is None:
            live = LiveLog(run_id, records=self.records, cipher=self.cipher, clock=self.clock)
            self._live[run_id] = live
        return FileLog(path, live)

    async def cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        """Redact the log so far again, with secrets that became known later."""
        await self._unshare(run_id)
        await asyncio.to_thread(self._cleanse, run_id, redact)

    async def store(self, run_id: RunId) -> str:
        """Encrypt and store the log so far; the local file is kept until it is pruned."""
        await self._unshare(run_id)
        key = _key(run_id)
        data = await asyncio.to_thread(self._read, run_id) or b""
        await self.store_to.put(key, self.cipher.seal(data, context=key))
        async with self.records.write() as writer:
            await writer.drop_log_chunks(run_id)
        return key

    async def read(self, run_id: RunId) -> str | None:
        """Return the log so far, shared or stored; None if there is none."""
        lines = await self.lines(run_id)
        return "\n".join(lines) + "\n" if lines else await self._stored(run_id)

    async def lines(self, run_id: RunId, after: int = 0) -> Sequence[str]:
        """Return the shared lines of an active run, on any machine, without the first `after`."""
        found: list[str] = []
        while True:
            async with self.records.read() as reader:
                chunks = await reader.log_chunks(run_id, after=after + len(found))
            more = opened(chunks, self.cipher, after=after + len(found))
            found += more
            if not more:
                return found

    async def _stored(self, run_id: RunId) -> str | None:
        key = _key(run_id)
        try:
            data = self.cipher.open(await self.store_to.get(key), context=key)
        except ObjectMissingError:
            return None
        return data.decode("utf-8", "replace")

    async def delete(self, run_id: RunId) -> None:
        """Delete the stored log and the local file."""
        await self.store_to.delete(_key(run_id))
        await asyncio.to_thread(self._path(run_id).unlink, missing_ok=True)
        async with self.records.write() as writer:
            await writer.drop_log_chunks(run_id)

    async def prune(self, before: datetime) -> int:
        """Delete local files not written since then; return how many."""
        return await asyncio.to_thread(self._prune, before.timestamp())

    def _prune(self, before: float) -> int:
        old = [path for path in self.directory.glob("*.log") if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    async def _unshare(self, run_id: RunId) -> None:
        """Stop sharing; lines that another machine has shared become the start of the stored log."""
        live = self._live.pop(run_id, None)
        if live is None:
            return
        await live.close()
        if run_id in self._inherits:
            self._inherits.discard(run_id)
            before = (await self.lines(run_id))[: live.began]
            if before:
                await asyncio.to_thread(self._prepend, run_id, "\n".join(before) + "\n")

    def _path(self, run_id: RunId) -> Path:
        if not run_id.isalnum():
            raise ValueError("a run id consists of letters and digits")
        return self.directory / f"{run_id}.log"

    def _cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        text = (self._read(run_id) or b"").decode("utf-8", "replace")
        clean = redact(text)
        if clean == text:
            return
        try:
            self._path(run_id).write_text(clean, encoding="utf-8")
        except OSError as error:
            _LOG.warning("the log of run %s could not be cleansed and is dropped: %s", run_id, error.strerror)
            self._path(run_id).unlink(missing_ok=True)

    def _prepend(self, run_id: RunId, before: str) -> None:
        # On a disk that fills up meanwhile, the file must still hold what this machine has said.
        new = self._path(run_id).with_suffix(".new.log")
        try:
            new.touch(0o600)
            new.write_bytes(before.encode("utf-8", "replace") + (self._read(run_id) or b""))
            new.replace(self._path(run_id))
        except OSError as error:
            new.unlink(missing_ok=True)
            _LOG.warning("the log of run %s lacks its beginning: %s", run_id, error.strerror)

    def _read(self, run_id: RunId) -> bytes | None:
        try:
            return self._path(run_id).read_bytes()
        except FileNotFoundError:
            return None


def _key(run_id: RunId) -> str:
    return f"logs/{run_id}.log"
