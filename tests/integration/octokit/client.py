"""A client of the stand-in that checks each answer."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", ".npmrc", "check.mjs")


@pytest.fixture
async def client(tmp_path: Path) -> Path:
    """Return a directory with the script and the client, as its lock file names it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node and npm here, which GitHub's JavaScript client needs")
    place = tmp_path / "octokit"
    place.mkdir()
    for name in _FILES:
        shutil.copy(_HERE / name, place / name)
    install = (
        "npm",
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--fetch-retries=1",
    )
    code, _, errors = await run(place, *install)
    if code != 0 and any(word in errors for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")):
        pytest.skip(f"no package registry can be reached: {errors[:200]}")
    assert code == 0, errors
    return place


async def run(place: Path, *command: str, given: str = "") -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=place,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate(given.encode())
    return process.returncode, said.decode(), errors.decode()
