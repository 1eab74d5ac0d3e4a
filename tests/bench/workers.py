"""How much more several workers do: plans a minute of 1, 2 and 4 processes over one PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import psycopg
from rich.console import Console

from tests.e2e.workers.crowd import CROWDS, crowd
from tests.e2e.workers.fleet import Fleet
from tests.fakes.postgres_server import running_postgres

_SPAN = """
    SELECT count(*) AS runs, extract(epoch FROM max(finished_at) - min(started_at)) AS seconds
    FROM runs WHERE status = 'succeeded'
"""


async def measure_workers(place: Path, *, counts: tuple[int, ...], pulls: int) -> dict[int, float]:
    """Return number of workers -> plans a second; the pull requests are queued before any worker starts."""
    found = {}
    async with running_postgres() as server:
        for count in counts:
            name = f"bench_{secrets.token_hex(4)}"
            await asyncio.to_thread(_create, server, name)
            fleet = Fleet(directory=place / name, repositories=CROWDS, database_url=f"{server}/{name}")
            try:
                await fleet.start()
                found[count] = await _rate(fleet, count, pulls)
            finally:
                await fleet.stop()
    return found


def show_workers(found: dict[int, float]) -> None:
    """Print the ratios to the first."""
    out = Console()
    base = next(iter(found.values()))
    for count, rate in found.items():
        out.print(f"{count} workers: {rate * 60:.0f} plans a minute, {rate / base:.2f} times the first")


async def _rate(fleet: Fleet, count: int, pulls: int) -> float:
    many = crowd(fleet, "load")
    await many.create()
    await many.open(pulls)
    await fleet.github.settled()
    await asyncio.gather(*(fleet.start_worker(f"worker-{number}") for number in range(count)))
    await fleet.idle(patience=600)
    [row] = fleet.ask(_SPAN)
    return float(str(row["runs"])) / float(str(row["seconds"]))


def _create(server: str, name: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
