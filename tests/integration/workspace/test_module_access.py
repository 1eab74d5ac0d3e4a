"""Where git sends the token for private modules; played with git itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.domain.core.git_access import basic, module_access


@asynccontextmanager
async def serving(answer: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Give the address of a server that always answers the same, and what it was asked."""
    asked: list[str] = []

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def fetched(url: str, environment: dict[str, str], home: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *("git", "ls-remote", url),
        env={"PATH": os.defpath, "HOME": str(home), "GIT_TERMINAL_PROMPT": "0", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await process.communicate())[0].decode()


async def test_token_is_sent_to_its_origin_and_to_no_other(tmp_path: Path) -> None:
    async with serving("404 Not Found") as (origin, asked), serving("404 Not Found") as (other, heard):
        environment = module_access(origin, "ghs_token")

        await fetched(f"{origin}/acme/modules.git", environment, tmp_path)
        await fetched(f"{other}/acme/modules.git", environment, tmp_path)

    assert f"Authorization: Basic {basic('ghs_token')}" in asked[0]
    assert heard
    assert not any("authorization" in each.lower() for each in heard)


async def test_the_token_follows_no_redirection(tmp_path: Path) -> None:
    async with serving("404 Not Found") as (other, heard):
        elsewhere = f"302 Found\r\nLocation: {other}/acme/modules.git/info/refs?service=git-upload-pack"
        async with serving(elsewhere) as (origin, asked):
            said = await fetched(f"{origin}/acme/modules.git", module_access(origin, "ghs_token"), tmp_path)

    assert asked
    assert heard == []
    assert "redirect" in said or "302" in said
