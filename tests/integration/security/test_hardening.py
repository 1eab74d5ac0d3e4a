"""A hardened process next to a curious one of the same user."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters import hardening

_SECRET = "the-secret-of-the-server"
_ERRORS = "class GatewrightError(Exception): ..."
_SOURCE = (
    Path(hardening.__file__)
    .read_text(encoding="utf-8")
    .replace("from bot.domain.core.errors import GatewrightError", _ERRORS)
)
_AS_A_USER = """
import asyncio, ctypes, os, sys
if os.getuid() == 0:  # Root may read everything, so become an ordinary user, whose processes can be looked at.
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
"""
_WAITS = "\nprint('ready', flush=True)\nsys.stdin.read()\n"
_READS = """
import sys
for name in ("environ", "mem", "maps", "fd"):
    path = f"/proc/{sys.argv[1]}/{name}"
    try:
        if name == "fd":
            os.listdir(path)
        elif name == "mem":
            open(path, "rb").close()
        else:
            open(path, "rb").read()
        print(name, "read")
    except PermissionError:
        print(name, "refused")
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux hides a process from its own user"
)


async def python(code: str, *arguments: str) -> asyncio.subprocess.Process:
    """Start a Python that runs `code` as an ordinary user, with a secret in its environment."""
    source = _SOURCE + _AS_A_USER + code
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", source, *arguments),
        cwd="/",
        env={"SECRET": _SECRET},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def server(code: str) -> AsyncIterator[int]:
    process = await python(code)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.stdin.close()
        await process.wait()


async def looked_at(pid: int) -> dict[str, str]:
    process = await python(_READS, str(pid))
    said, _ = await process.communicate()
    return dict(line.split() for line in said.decode().splitlines())


async def test_another_process_of_user_reads_nothing_of_a_hardened_one() -> None:
    async with server("\nhide_from_others()" + _WAITS) as pid:
        seen = await looked_at(pid)

    assert seen == dict.fromkeys(("environ", "mem", "maps", "fd"), "refused")


async def test_without_it_the_environment_could_be_read() -> None:
    async with server(_WAITS) as pid:
        seen = await looked_at(pid)

    assert seen["environ"] == "read"


async def test_hardened_process_still_starts_programs_and_they_are_their_own() -> None:
    starts = """
hide_from_others()
async def main():
    reads = ("/bin/sh", "-c", "tr -d '\\\\0' < /proc/self/environ")
    process = await asyncio.create_subprocess_exec(*reads, env={"A": "b"}, stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0].decode(), resource.getrlimit(resource.RLIMIT_CORE))
asyncio.run(main())
"""
    process = await python(starts)
    said, _ = await process.communicate()

    assert "A=b" in said.decode()
    assert said.decode().endswith("(0, 0)\n")
