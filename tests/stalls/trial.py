"""One worker is cut off from PostgreSQL at one place; another must take over, and the first must do nothing more."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bot.engine import Engine
from tests.integration.engine.conftest import opened
from tests.integration.engine.processes import Worker, read, worker
from tests.integration.engine.work import Store, change, config, delivery, plan
from tests.stalls.proxy import Message, Place, StallingProxy, stalling_proxy

_ROOT = Path(__file__).parents[2]
_JOBS = 3
_REACH_SECONDS = 6.0
"""How long a trial waits for its place after everything that leads there was started."""
_PAUSE_SECONDS = 0.5
_TAKEOVER_PATIENCE = 40.0
_ACTIVITY = """
    SELECT application_name, state, wait_event_type, wait_event, now() - state_change AS since, left(query, 200)
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY state
"""


@dataclass(slots=True, kw_only=True)
class Lane:
    """A database of its own with a worker that nothing keeps from it."""

    url: sa.URL
    directory: Path
    client: Engine
    store: Store
    other: Worker
    trials: int = 0

    @property
    def trace(self) -> Path:
        """Where both workers write what they do."""
        return self.directory / "trace"


@dataclass(slots=True, kw_only=True)
class Finding:
    """What came of one trial."""

    place: Place | None
    number: int = 0
    """Of the message after which nothing was forwarded; 0 where the place was not reached."""
    seconds: float = 0.0
    """Until the other worker had done everything."""
    wrong: str = ""


@dataclass(slots=True)
class Coverage:
    """What all trials have found."""

    known: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What was not as promised."""
        return [f"{tell(one.place)}: {one.wrong}" for one in self.findings if one.wrong]

    def summary(self) -> str:
        """Return what was covered, in one line."""
        reached = [one for one in self.findings if one.number]
        slowest = max((one.seconds for one in reached), default=0.0)
        return (
            f"stood still at {len(reached)} of {self.known} places ({len(self.findings) - len(reached)} tried and not"
            f" reached), taken over after {slowest:.1f} s at most, {len(self.wrong)} wrong"
        )


def tell(place: Place | None) -> str:
    """Return a place in words."""
    if place is None:
        return "anywhere"
    statements, of_client, kind = place
    last = " ".join(statements[-1].split())[:120] if statements else "the start of a session"
    return f"after {'the client' if of_client else 'the server'}'s {kind or 'greeting'!r} of {last!r}"


@asynccontextmanager
async def lane(server: str, directory: Path) -> AsyncIterator[Lane]:
    """Yield a lane on this server, `postgresql://…:port`."""
    name = f"stalls_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = sa.make_url(f"{server}/{name}")
    text = url.render_as_string(hide_password=False)
    client = Engine(config(directory, database_url=text))
    await client.migrate()
    async with opened(text) as store, worker(text, directory / "trace", "patient") as other:
        yield Lane(url=url, directory=directory, client=client, store=store, other=other)


async def places(lane: Lane, *, idle_seconds: float) -> dict[Place, int]:
    """Return every place of a worker's start, work and idling, in order, with how often it came."""
    seen: dict[Place, int] = {}
    async with _first(lane, lambda _: False) as (proxy, first):
        await first.wait_for("ready")
        await _enqueue(lane)
        await asyncio.sleep(idle_seconds)
        for message in proxy.seen:
            seen[message.place] = seen.get(message.place, 0) + 1
    return seen


async def trial(lane: Lane, place: Place) -> Finding:
    """Let a worker stand still at this place, and see what becomes of its work."""
    finding = Finding(place=place)
    # A worker that was killed is taken for alive for a while.
    await _until(lambda: _living(lane) == 1, _TAKEOVER_PATIENCE)
    async with _first(lane, lambda message: message.place == place) as (proxy, first):
        with suppress(TimeoutError):
            async with asyncio.timeout(_REACH_SECONDS * 3):
                await _either(proxy.stalled.wait(), first.wait_for("ready"))
        jobs = await _until_stalled(lane, proxy)
        if not proxy.stalled.is_set():
            return finding
        finding.number = len(proxy.seen)
        started = asyncio.get_running_loop().time()
        living = [await asyncio.to_thread(_living, lane)]
        jobs |= await _enqueue(lane)
        try:
            while not (_done_by(lane.other, jobs) and living[-1] == 1):
                await asyncio.sleep(0.05)
                living.append(await asyncio.to_thread(_living, lane))
                if asyncio.get_running_loop().time() > started + _TAKEOVER_PATIENCE:
                    raise TimeoutError  # noqa: TRY301 - told below
            finding.seconds = asyncio.get_running_loop().time() - started
            finding.wrong = await _wakes(lane, proxy, first, lived=max(living) > 1)
        except TimeoutError:
            finding.wrong = f"not taken over within {_TAKEOVER_PATIENCE:g} s\n{_activity(lane)}"
    return finding


async def _until_stalled(lane: Lane, proxy: StallingProxy) -> set[tuple[str, str]]:
    """Enqueue again and again while the other worker stands still; returns the steps that all of it takes.

    It is a patient one, or the first would take its work over.
    """
    jobs: set[tuple[str, str]] = set()
    deadline = asyncio.get_running_loop().time() + _REACH_SECONDS
    while not proxy.stalled.is_set() and asyncio.get_running_loop().time() < deadline:
        lane.other.pause()
        try:
            jobs |= await _enqueue(lane)
            await _stalled(proxy, _PAUSE_SECONDS)
        finally:
            lane.other.resume()
        await _stalled(proxy, _PAUSE_SECONDS)
    return jobs


async def _stalled(proxy: StallingProxy, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(proxy.stalled.wait(), seconds)


async def _wakes(lane: Lane, proxy: StallingProxy, first: Worker, *, lived: bool) -> str:
    """Let it go on; returns what it should not have done. One that had not begun to live yet begins now."""
    before = len(read(lane.trace))
    proxy.release()
    own = first.process.pid

    def is_over() -> bool:
        begun = ("ready", "-", own) in read(lane.trace)
        return first.process.returncode is not None or (begun and not lived)

    try:
        await _until(is_over, _TAKEOVER_PATIENCE)
    except TimeoutError:
        return f"it {'was taken over from, and did not end' if lived else 'did not start'}\n{_activity(lane)}"
    after = [
        line for line in read(lane.trace)[before:] if line[2] == own and line[0] not in {"ready", "displaced"}
    ]
    return ", ".join(f"{step} {argument}" for step, argument, _ in after if lived)


@asynccontextmanager
async def _first(
    lane: Lane, stalls_after: Callable[[Message], bool]
) -> AsyncIterator[tuple[StallingProxy, Worker]]:
    assert lane.url.port is not None
    async with stalling_proxy(lane.url.port) as proxy:
        proxy.stalls_after = stalls_after
        url = lane.url.set(port=proxy.port, query={"sslmode": "disable", "gssencmode": "disable"})
        argv = [
            sys.executable,
            "-m",
            "tests.integration.engine.worker",
            url.render_as_string(hide_password=False),
        ]
        process = await asyncio.create_subprocess_exec(*argv, str(lane.trace), "hang", cwd=_ROOT)
        try:
            yield proxy, Worker(process, lane.trace)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _enqueue(lane: Lane) -> set[tuple[str, str]]:
    """Enqueue some of each kind; returns the steps that they take."""
    lane.trials += 1
    names = [f"{lane.trials}-{number}" for number in range(_JOBS)]
    for name in names:
        number = name.partition("-")[2]
        jobs = [
            change(f"c{name}", f"key{number}"),
            plan(f"p{name}"),
            delivery(f"d{name}", f"acme/infra#{number}"),
        ]
        await lane.store.enqueue(lane.client, *jobs)
    kinds = {"execute_change": "c", "execute_plan": "p", "handle_delivery": "d"}
    return {(step, f"{letter}{name}") for step, letter in kinds.items() for name in names}


def _done_by(other: Worker, jobs: set[tuple[str, str]]) -> bool:
    """Whether the other worker has done everything that the first had not done to its end, and every change."""
    lines = read(other.trace)
    done = {line[:2] for line in lines if line[2] == other.process.pid or line[0] != "execute_change"}
    return jobs <= done


def _living(lane: Lane) -> int:
    with psycopg.connect(lane.url.render_as_string(hide_password=False)) as connection:
        row = connection.execute("SELECT count(*) FROM gatewright_engine_heartbeats").fetchone()
    return 0 if row is None else int(row[0])


def _activity(lane: Lane) -> str:
    with psycopg.connect(lane.url.render_as_string(hide_password=False)) as connection:
        return "\n".join(str(row) for row in connection.execute(_ACTIVITY.encode()))


async def _either(*waits: object) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - another process works
            await asyncio.sleep(0.02)
