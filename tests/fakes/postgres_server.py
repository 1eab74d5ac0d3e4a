"""A throw-away PostgreSQL server for the tests, on a free loopback port, in a directory of its own."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

USER = "gatewright"
PASSWORD = "only-for-tests"
_UNPRIVILEGED = "nobody"


@dataclass(slots=True, kw_only=True)
class Postgres:
    """A server that can be stopped and started again, on the same port and the same data."""

    home: Path
    prefix: Sequence[str]
    program: str
    port: int = 0
    _process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """`postgresql://…:port` without a database name."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.port = self.port or _free_port()
        options = ["-D", f"{self.home}/data", "-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"):
            options += ["-c", setting]
        log = self.home / "log"
        with log.open("ab") as file:
            self._process = await asyncio.create_subprocess_exec(
                *self.prefix, self.program, *options, cwd=self.home, stdout=file, stderr=file
            )
        await _until_it_answers(self._process, self.port, log)

    async def stop(self) -> None:
        """Break every connection and end it."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGINT)
            await self._process.wait()


@asynccontextmanager
async def running_postgres() -> AsyncIterator[str]:
    """Yield `postgresql://…:port` without a database name; skips the test where no server can be started."""
    async with stoppable_postgres() as server:
        yield server.url


@asynccontextmanager
async def stoppable_postgres() -> AsyncIterator[Postgres]:
    """Yield a server that runs; skips the test where none can be started."""
    initdb, program = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or program is None:
        pytest.skip("no PostgreSQL server (`initdb` and `postgres`) on PATH")
    prefix = _unprivileged_prefix()
    home = Path(tempfile.mkdtemp(prefix="gatewright-postgres-"))
    server = Postgres(home=home, prefix=prefix, program=program)
    try:
        if prefix:
            shutil.chown(home, _UNPRIVILEGED)
        await _create_cluster([*prefix, initdb], home)
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged_prefix() -> list[str]:
    """Return the command that sheds root's rights, with which PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    try:
        account = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        account = None
    if setpriv is None or account is None:
        pytest.skip("PostgreSQL must not run as root, and there is no `setpriv` or no user `nobody`")
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


async def _create_cluster(initdb: list[str], home: Path) -> None:
    password = home / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    arguments = ["-D", f"{home}/data", "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}"]
    arguments += ["-E", "UTF8", "--locale=C", "--no-sync"]
    process = await asyncio.create_subprocess_exec(
        *initdb, *arguments, cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def _until_it_answers(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(30):
        while True:
            assert process.returncode is None, await asyncio.to_thread(log.read_text)
            try:
                await asyncio.to_thread(_connect, port)
            except psycopg.OperationalError:
                await asyncio.sleep(0.05)
            else:
                return


def _connect(port: int) -> None:
    psycopg.connect(f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres").close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
