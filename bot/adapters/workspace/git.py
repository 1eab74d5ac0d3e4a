"""One git process.

A clean environment, a time limit, and no way for a repository to configure it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.core.errors import WorkspaceError
from bot.domain.core.git_access import as_environment
from bot.domain.core.model import FailureClass

_NEEDED = (2, 38)
"""The first git with `merge-tree --write-tree`."""

LARGEST_ANSWER = 128 << 20
"""Bytes of an answer of git; a list of half a million files has about 60 MiB."""
_CHUNK = 1 << 18
_CONFIG = {
    "advice.detachedHead": "false",
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.symlinks": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    # Objects arrive as one pack or not at all, so that a killed fetch leaves no commit without its parents.
    "fetch.unpackLimit": "1",
    # Old and harmless flaws of real histories; everything else that fsck calls an error stays one.
    "fetch.fsck.badTimezone": "warn",
    "fetch.fsck.missingSpaceBeforeDate": "warn",
    "fetch.fsck.zeroPaddedFilemode": "warn",
    "gc.autoDetach": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "init.defaultBranch": "main",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
}


_REFUSED = re.compile(r"! \[(?:remote )?rejected\] .* \((.+)\)")


class _TooMuchError(Exception):
    """Git's output exceeds the caller's limit."""


class GitError(WorkspaceError):
    """Git ended with an error; `stderr` is its output, without the token."""

    def __init__(self, message: str, *, exit_code: int, stderr: str, timed_out: bool = False) -> None:
        super().__init__(message)
        if timed_out:
            self.failure_class = FailureClass.TIMEOUT
        self.exit_code = exit_code
        self.stderr = stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class GitResult:
    """How a git process ended."""

    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: str


async def git_version() -> tuple[int, int]:
    """Return major and minor version of this machine's git; WorkspaceError when there is none."""
    return await Git(home=Path("/")).version()


class Git:
    """Runs git without the user's or the machine's configuration, hooks, prompts or filters."""

    def __init__(self, *, home: Path, program: str = "git", allow_file_origin: bool = False) -> None:
        found = shutil.which(program)
        if found is None:
            raise WorkspaceError(f"{program} is not installed on this machine")
        self._program = found
        self._home = home
        self._config = dict(_CONFIG)
        if allow_file_origin:
            self._config["protocol.file.allow"] = "always"
        self._checked = False

    async def run(
        self,
        doing: str,
        *arguments: str,
        cwd: Path | None = None,
        config: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep_fds: Sequence[int] = (),
        accept: Sequence[int] = (0,),
        seconds: float = 120,
        umask: int = 0o077,
        largest: int = LARGEST_ANSWER,
    ) -> GitResult:
        """Run git to its end; `doing` begins the sentence of the GitError that is raised otherwise.

        `config` is given by environment; after `seconds`, or `largest` bytes of an answer, git is ended with all its
        helpers.
        """
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            cwd=cwd or self._home,
            env=self._environment(config or {}) | dict(environment or {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=tuple(keep_fds),
            start_new_session=True,
            umask=umask,
        )
        try:
            async with asyncio.timeout(seconds):
                stdout, errors = await _talk(process, stdin, largest)
        except _TooMuchError as error:
            raise GitError(
                f"{doing}: git answers with more than {largest >> 20} MiB", exit_code=-1, stderr="too much"
            ) from error
        except TimeoutError as error:
            raise GitError(
                f"{doing}: git timed out after {seconds:.0f} seconds",
                exit_code=-1,
                stderr="timed out",
                timed_out=True,
            ) from error
        finally:
            await _end(process)
        stderr = _readable(errors, config or {})
        code = process.returncode if process.returncode is not None else -1
        if code not in accept:
            raise GitError(f"{doing}: {_last_line(stderr, code)}", exit_code=code, stderr=stderr)
        return GitResult(exit_code=code, stdout=stdout, stderr=stderr)

    async def require_merge_tree(self) -> None:
        """Raise WorkspaceError when this machine's git is too old to merge without a work tree."""
        if self._checked:
            return
        major, minor = await self.version()
        if (major, minor) < _NEEDED:
            raise WorkspaceError(f"git 2.38 or newer is needed to merge; this machine has {major}.{minor}")
        self._checked = True

    async def version(self) -> tuple[int, int]:
        """Return major and minor version of this machine's git."""
        said = (await self.run("asking git for its version", "version")).stdout.decode(errors="replace")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is None:
            raise WorkspaceError(f"git does not tell its version: {said.strip()!r}")
        return int(found[1]), int(found[2])

    def _environment(self, config: Mapping[str, str]) -> dict[str, str]:
        environment = {
            "PATH": f"{Path(self._program).parent}{os.pathsep}{os.defpath}",
            "HOME": str(self._home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
        }
        return environment | as_environment({**self._config, **config})


async def _talk(process: asyncio.subprocess.Process, stdin: bytes, largest: int) -> tuple[bytes, bytes]:
    """Return git's output, limited because a few objects can stand for any number of files."""
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("git was started without pipes")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(process.stdin, stdin))
            output = group.create_task(_read(process.stdout, largest))
            errors = group.create_task(_read(process.stderr, largest))
    except* _TooMuchError as failures:
        raise _TooMuchError from failures
    await process.wait()
    return output.result(), errors.result()


async def _feed(pipe: asyncio.StreamWriter, content: bytes) -> None:
    # Git may end without having read everything.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(content)
        await pipe.drain()
        pipe.close()


async def _read(pipe: asyncio.StreamReader, largest: int) -> bytes:
    found = bytearray()
    while chunk := await pipe.read(_CHUNK):
        found += chunk
        if len(found) > largest:
            raise _TooMuchError
    return bytes(found)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no helper of git behind, whatever ended the wait."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(_ended(process))


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a killed process.

    A pipe that is not read to its end would stay open, and the wait with it.
    """
    for pipe in (process.stdout, process.stderr):
        while pipe is not None and await pipe.read(_CHUNK):
            pass
    await process.wait()


def _readable(errors: bytes, config: Mapping[str, str]) -> str:
    text = errors.decode("utf-8", "replace").strip()
    for value in config.values():
        for secret in (value, value.rpartition(" ")[2]):
            if secret:
                text = text.replace(secret, "***")
    return text


def _last_line(stderr: str, exit_code: int) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    # What a server says of a refused push stands in brackets behind the names; the last line says only that it failed.
    refused = [why[1] for line in lines if (why := _REFUSED.fullmatch(line.strip()))]
    if refused:
        return refused[0][:500]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    chosen = (fatal or lines or [f"git ended with exit code {exit_code}"])[-1]
    return chosen.removeprefix("fatal: ").removeprefix("error: ")[:500]
