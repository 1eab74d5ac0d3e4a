"""Logs of runs: a local file while a run goes on, an encrypted object when it has ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.domain.errors import ObjectMissingError
from bot.domain.model import RunId
from bot.ports import Cipher, ObjectStore


@dataclass(slots=True)
class FileLog:
    """Appends to one file; nothing is buffered, so that a crash loses no line and readers are live."""

    path: Path

    def write(self, line: str) -> None:
        """Append one line (or several, when `line` holds line ends)."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (line.rstrip("\n") + "\n").encode("utf-8", "replace"))
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRunLogs:
    """Implements `bot.services.jobs.RunLogs`."""

    directory: Path
    store_to: ObjectStore
    cipher: Cipher

    def open(self, run_id: RunId) -> FileLog:
        """Begin or go on with the log of a run."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLog(self._path(run_id))

    async def cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        """Redact what was written so far once more, with secrets that were learnt later."""
        await asyncio.to_thread(self._cleanse, run_id, redact)

    async def store(self, run_id: RunId) -> str:
        """Encrypt and store the log as far as it goes; the local file stays until it is pruned."""
        key = f"logs/{run_id}.log"
        data = await asyncio.to_thread(self._read, run_id) or b""
        await self.store_to.put(key, self.cipher.seal(data, context=key))
        return key

    async def read(self, run_id: RunId) -> str | None:
        """Return the local file, else the stored object, else None."""
        data = await asyncio.to_thread(self._read, run_id)
        if data is None:
            key = f"logs/{run_id}.log"
            try:
                data = self.cipher.open(await self.store_to.get(key), context=key)
            except ObjectMissingError:
                return None
        return data.decode("utf-8", "replace")

    async def delete(self, run_id: RunId) -> None:
        """Delete the stored log, and the local file where there is one."""
        await self.store_to.delete(f"logs/{run_id}.log")
        await asyncio.to_thread(self._path(run_id).unlink, missing_ok=True)

    async def prune(self, before: datetime) -> int:
        """Delete local files that were not written to since then; returns how many."""
        return await asyncio.to_thread(self._prune, before.timestamp())

    def _prune(self, before: float) -> int:
        old = [path for path in self.directory.glob("*.log") if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _path(self, run_id: RunId) -> Path:
        if not run_id.isalnum():
            raise ValueError("a run id consists of letters and digits")
        return self.directory / f"{run_id}.log"

    def _cleanse(self, run_id: RunId, redact: Callable[[str], str]) -> None:
        text = (self._read(run_id) or b"").decode("utf-8", "replace")
        clean = redact(text)
        if clean != text:
            self._path(run_id).write_text(clean, encoding="utf-8")

    def _read(self, run_id: RunId) -> bytes | None:
        try:
            return self._path(run_id).read_bytes()
        except FileNotFoundError:
            return None
