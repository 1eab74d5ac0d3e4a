"""The bot as a separate process, with an environment of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from bot.adapters.terraform import launch
from bot.domain.core.errors import GatewrightError

_LAUNCHER = Path(launch.__file__)
"""Starts the bot so that it ends with this process."""
_READY_SECONDS = 60.0
_TAIL_LINES = 30


class BotProcess:
    """`gatewright serve`, or a module with the same interface; its log is written to a file."""

    def __init__(
        self,
        *,
        directory: Path,
        environment: Mapping[str, str],
        port: int,
        command: Sequence[str] = ("serve",),
        module: str = "bot",
    ) -> None:
        """`module` is run with the words of `command`."""
        self._module = module
        self._directory = directory
        self._command = tuple(command)
        self._environment = dict(environment)
        self.url = f"http://127.0.0.1:{port}"
        self.log = directory / "bot.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    async def start(self) -> None:
        """Start it and wait until it is ready; GatewrightError with the end of its log."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())),
                *(sys.executable, "-m", self._module, *self._command),
                cwd=self._directory,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        await self._until_ready()

    async def stop(self, *, kill: bool = False) -> int | None:
        """Stop it by SIGTERM, or SIGKILL if `kill`; returns its exit code."""
        if self._process is None:
            return None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        return await self._process.wait()

    async def _until_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        async with aiohttp.ClientSession() as session:
            while asyncio.get_running_loop().time() < deadline:
                if self._process is None or self._process.returncode is not None:
                    break
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.url}/readyz", timeout=aiohttp.ClientTimeout(5)) as answer:
                        if answer.status == 200:  # noqa: PLR2004 - HTTP's OK
                            return
                await asyncio.sleep(0.1)
        raise GatewrightError(f"the bot did not start; end of {self.log}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        told = [line for line in lines if " gatewright.access " not in line]
        return "\n".join(told[-_TAIL_LINES:])
