"""Signed deliveries in parallel: how long their acknowledgement takes, against a bare handler with one insert."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import aiohttp
from aiohttp import web
from rich.console import Console

from bot.playground.stack import Playground, free_port
from tests.bench.acts import until_idle

_PERCENT = 100
_ROUND = 50
"""Deliveries to one side before it is the other's turn."""
_REPO = "acme/none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Seconds of each acknowledgement, and how many deliveries were recorded."""

    ours: list[float]
    bare: list[float]
    recorded: int

    def ratio(self, percentile: int) -> float:
        """Return ours over the bare handler's."""
        ours, bare = (quantiles(side, n=_PERCENT)[percentile - 1] for side in (self.ours, self.bare))
        return ours / bare


async def measure_deliveries(playground: Playground, *, count: int, parallel: int) -> Acknowledged:
    """Send them to both sides in small rounds by turns, so that a busy moment hits both; none may be refused or lost."""
    secret = playground.secrets.webhook_secret
    ours: list[float] = []
    bare: list[float] = []
    port = free_port(0)
    runner = await _bare(playground.directory / "bare.db", port)
    sides = ((ours, f"{playground.bot.url}/webhooks/github"), (bare, f"http://127.0.0.1:{port}/"))
    try:
        for first in range(0, count, _ROUND):
            for times, url in sides:
                times.extend(await _send(url, secret, min(_ROUND, count - first), parallel))
                # What the bot does with its deliveries is not the bare side's to pay for.
                await until_idle(playground)
    finally:
        await runner.cleanup()
    file = playground.directory / "bot" / "data" / "gatewright.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        [recorded] = database.execute("SELECT count(*) FROM deliveries WHERE repo = ?", (_REPO,)).fetchone()
    return Acknowledged(ours=ours, bare=bare, recorded=recorded)


def show_deliveries(found: Acknowledged) -> None:
    """Print the ratios, and what was lost."""
    p50, p99 = found.ratio(50), found.ratio(99)
    lost = len(found.ours) - found.recorded
    Console().print(
        f"{len(found.ours)} deliveries, {lost} lost; ratio to a bare insert: p50 {p50:.2f}, p99 {p99:.2f}"
    )


async def _send(url: str, secret: str, count: int, parallel: int) -> list[float]:
    gate = asyncio.Semaphore(parallel)
    async with aiohttp.ClientSession() as session:

        async def one(number: int) -> float:
            body = json.dumps(_payload(number)).encode()
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "X-GitHub-Event": "issue_comment",
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": f"sha256={signature}",
            }
            async with gate:
                started = time.perf_counter()
                async with session.post(url, data=body, headers=headers) as answer:
                    answer.raise_for_status()
                return time.perf_counter() - started

        return list(await asyncio.gather(*(one(number) for number in range(1, count + 1))))


def _payload(number: int) -> dict[str, object]:
    """Return a comment that commands nothing, in a repository that is not there."""
    user = {"login": "dev", "id": 5, "type": "User"}
    owner, name = _REPO.split("/")
    return {
        "action": "created",
        "issue": {"number": number, "user": user, "pull_request": {}},
        "comment": {"id": number, "body": "thank you", "created_at": "2026-01-01T00:00:00Z", "user": user},
        "repository": {
            "id": 1,
            "name": name,
            "full_name": _REPO,
            "owner": {"login": owner, "id": 2, "type": "Organization"},
            "default_branch": "main",
        },
        "installation": {"id": 1},
        "sender": user,
    }


async def _bare(file: Path, port: int) -> web.AppRunner:
    """Serve a handler that does nothing but one insert, written through to the disk."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, body BLOB)")

    async def receive(request: web.Request) -> web.Response:
        values = (request.headers["X-GitHub-Delivery"], await request.read())
        database.execute("INSERT INTO deliveries VALUES (?, ?)", values)
        return web.Response(status=202)

    async def close(_: web.Application) -> None:
        database.close()

    app = web.Application()
    app.router.add_post("/", receive)
    app.on_cleanup.append(close)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
