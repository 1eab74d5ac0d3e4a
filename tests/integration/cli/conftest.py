"""Runs `gatewright` as a process of its own, with settings of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int | None
    out: str
    err: str


@dataclass(slots=True, kw_only=True)
class Shell:
    """A directory in which commands run."""

    directory: Path
    environment: Mapping[str, str]

    @property
    def database(self) -> str:
        """Return the address of a database in the directory."""
        return f"sqlite:///{self.directory / 'records.db'}"

    async def run(self, *words: str, **settings: str) -> Ended:
        """Run `gatewright` with these words and `GATEWRIGHT_…` settings, without a terminal."""
        named = {f"GATEWRIGHT_{name}": value for name, value in settings.items()}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            cwd=self.directory,
            env={**self.environment, **named},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ended(code=process.returncode, out=out.decode(), err=err.decode())


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(directory=tmp_path, environment={"PATH": os.defpath, "PYTHONPATH": str(ROOT)})
