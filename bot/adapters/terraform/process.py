"""Child processes that may outlive the bot.

`asyncio`'s own subprocesses are not used: since Python 3.12, their transport kills a running child when it is
garbage-collected, so the end of the bot would stop an apply. `Popen` does not, and a pidfd notifies the event
loop of the end without a thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.terraform.paths import PRIVATE_FILE
from bot.domain.core.errors import GatewrightError

UMASK = 0o022
"""Code may put its files into packages, so others can read them; their directory is private."""
_POLL = 0.05
"""Seconds between looks at a child on systems without pidfd."""

_left_running: list[subprocess.Popen[bytes]] = []
"""Children that were left running on purpose; a dropped Popen warns that its process still runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to start, with its output going to files."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    output: Path
    """Standard output; standard error too when it has no file of its own."""
    errors: Path | None = None
    info: Path | None = None
    """File for the pid of the program in bubblewrap; its descriptor replaces `INFO_FD`."""
    keep_fds: tuple[int, ...] = ()


INFO_FD = "{info-fd}"


class Child:
    """A started program, the leader of a session and process group of its own."""

    def __init__(self, command: Command) -> None:
        self._info = command.info
        self._popen = _start(command)
        self._ended = asyncio.Event()
        self._pidfd = _open_pidfd(self._popen.pid)
        if self._pidfd is not None:
            asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    @property
    def pid(self) -> int:
        """Return the pid of the leader: the program, or the bubblewrap around it."""
        return self._popen.pid

    async def exited(self, within: float) -> int | None:
        """Return the exit code as soon as the program has ended, None after `within` seconds."""
        if self._pidfd is None and not self._ended.is_set():
            await asyncio.sleep(min(within, _POLL))
            self._look()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._ended.wait()
        return self._popen.returncode if self._ended.is_set() else None

    def interrupt(self) -> None:
        """Send SIGINT to Terraform's own process, never to the group.

        It then ends its children in order.
        """
        if not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self._inner_pid(), signal.SIGINT)

    def kill(self) -> None:
        """Kill the whole group; behind bubblewrap that ends every process of the sandbox."""
        if not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def abandon(self) -> None:
        """Stop watching and leave the program running."""
        if not self._ended.is_set():
            self._stop_watching()
            _left_running.append(self._popen)

    def _inner_pid(self) -> int:
        if self._info is None:
            return self.pid
        try:
            return int(json.loads(self._info.read_bytes())["child-pid"])
        except (OSError, ValueError, KeyError, TypeError):
            # Bubblewrap has not started its program yet; it ends on the signal.
            return self.pid

    def _look(self) -> None:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
            self._reap()

    def _reap(self) -> None:
        # The leader is not reaped yet, so no other process can have its group's number yet: a background process
        # of a provisioner would otherwise keep the inherited locks.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        self._stop_watching()
        self._ended.set()

    def _stop_watching(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


def dying_with_parent(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that is killed when the bot dies; only for what may be repeated.

    An interrupt would not do: Terraform answers the first one by waiting for a provider that may never answer.
    """
    setpriv = shutil.which("setpriv")
    # Busybox has a program of that name without this option.
    if setpriv is not None and Path(setpriv).resolve().name == "setpriv":
        return (setpriv, "--pdeathsig", "KILL", "--", *argv)
    launcher = Path(__file__).with_name("launch.py")
    return (sys.executable, "-I", "-S", str(launcher), str(os.getpid()), *argv)


def _start(command: Command) -> subprocess.Popen[bytes]:
    # No core file of this process or a child may hold secrets; the limit is inherited.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with ExitStack() as opened:
        output = _open_for_writing(command.output, opened)
        errors = output if command.errors is None else _open_for_writing(command.errors, opened)
        inherited = set(command.keep_fds)
        argv = command.argv
        if command.info is not None:
            info = _open_for_writing(command.info, opened)
            inherited.add(info)
            argv = tuple(str(info) if part == INFO_FD else part for part in argv)
        try:
            # The death signal follows the thread that starts the child: this runs in the event loop's own.
            return subprocess.Popen(
                argv,
                cwd=command.cwd,
                env=dict(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                pass_fds=tuple(inherited),
                start_new_session=True,
                umask=UMASK,
            )
        except OSError as exc:
            raise GatewrightError(f"starting {argv[0]}: {exc.strerror}") from exc


def _open_for_writing(path: Path, opened: ExitStack) -> int:
    # Appending, so that a file that is emptied under its writer does not become a hole.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(path, flags, PRIVATE_FILE)
    opened.callback(os.close, descriptor)
    return descriptor


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
