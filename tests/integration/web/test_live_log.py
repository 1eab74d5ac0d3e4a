from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientResponse

from bot.domain.core.model import Permission, Run, RunStatus
from tests.integration.web.login import log_in, token
from tests.integration.web.world import World


@dataclass
class Event:
    name: str = ""
    id: str = ""
    data: list[str] = field(default_factory=list)


class Stream:
    """Reads server-sent events as a browser does."""

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    async def next(self) -> Event | None:
        """Return the next event, None at the end of the stream."""
        event = Event()
        while True:
            raw = await asyncio.wait_for(self._response.content.readline(), 5)
            line = raw.decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if name == "event":
                event.name = value
            elif name == "id":
                event.id = value
            elif name == "data":
                event.data.append(value)
            elif not raw:
                return None
            elif not line and event.name:
                return event
            else:
                assert name in {"retry", ""}, f"an unknown field: {line}"


@pytest.fixture
async def running(world: World) -> Run:
    """A run that goes on, in a world in which `dev` is logged in and may read its repository."""
    world.github.rights["acme/infra", "dev"] = Permission.READ
    await log_in(world, "dev")
    run = await world.add_run(status=RunStatus.RUNNING)
    world.logs.live[run.id] = ["one", "two"]
    return run


@asynccontextmanager
async def watching(world: World, run: Run, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    async with world.client.get(f"/runs/{run.id}/stream{query}", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert response.headers["Cache-Control"] == "no-store"
        yield Stream(response)


async def test_lines_come_while_written_until_the_run_ends(world: World, running: Run) -> None:
    lines = world.logs.live[running.id]

    async with watching(world, running) as stream:
        first = await stream.next()
        lines.append("three")
        second = await stream.next()
        await world.move(running, RunStatus.SUCCEEDED)
        last = await stream.next()
        after = await stream.next()

    assert first == Event("lines", "2", ["one", "two"])
    assert second == Event("lines", "3", ["three"])
    assert last == Event("end", "3", ["succeeded"])
    assert after is None


@pytest.mark.parametrize("how", ["query", "header"])
async def test_who_comes_back_gets_only_what_is_new(world: World, running: Run, how: str) -> None:
    query, headers = ("?after=1", {}) if how == "query" else ("?after=0", {"Last-Event-ID": "1"})

    async with watching(world, running, query, **headers) as stream:
        assert await stream.next() == Event("lines", "2", ["two"])


@pytest.mark.parametrize("given", ["-1", "x", "9" * 40, "1; 2", "٣"])
async def test_a_position_that_is_none_begins_at_the_start(world: World, running: Run, given: str) -> None:
    async with watching(world, running, f"?after={given}") as stream:
        event = await stream.next()

    assert event is not None
    assert event.data == ["one", "two"]


async def test_the_page_goes_on_where_its_own_log_ends(world: World, running: Run) -> None:
    async with world.client.get(f"/runs/{running.id}") as response:
        text = await response.text()

    assert "one\ntwo\n</pre>" in text
    assert f'data-stream="/runs/{running.id}/stream" data-after="2"' in text
    assert f'<a href="/runs/{running.id}">Look again</a>' in text
    assert 'http-equiv="refresh"' not in text


async def test_a_line_cannot_begin_another_field_or_event(world: World, running: Run) -> None:
    hostile = [
        "x\n\nevent: end\ndata: succeeded\n\n",
        "y\r\rid: 99\r\r",
        "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202eback",
        "<script>alert(1)</script>",
        "\udcff broken \ufffd",
        "long " * 20_000,
    ]
    world.logs.live[running.id] = hostile

    async with watching(world, running) as stream:
        event = await stream.next()

    assert event is not None
    assert (event.name, event.id, len(event.data)) == ("lines", "6", 6)
    assert event.data[0] == "x  event: end data: succeeded  "
    assert event.data[1] == "yid: 99"
    assert event.data[2] == "red  2J back"
    assert event.data[3] == "<script>alert(1)</script>"
    assert event.data[4] == "? broken \ufffd"
    assert event.data[5] == "long " * 20_000


async def test_without_a_login_or_the_right_there_is_no_stream(world: World, running: Run) -> None:
    address = f"/runs/{running.id}/stream"
    async with world.client.post("/logout", data={"token": await token(world.client)}):
        pass
    async with world.client.get(address, allow_redirects=False) as unknown:
        await log_in(world, "outsider")
    async with world.client.get(address) as outsider, world.client.get("/runs/rnothing/stream") as nothing:
        assert (unknown.status, outsider.status, nothing.status) == (401, 404, 404)


async def test_who_loses_the_right_loses_the_stream(world: World, running: Run) -> None:
    async with watching(world, running) as stream:
        await stream.next()
        world.github.rights["acme/infra", "dev"] = Permission.NONE
        world.clock.advance(seconds=21)
        world.logs.live[running.id].append("three")
        ended = [event async for event in _rest(stream)]

    assert all(event.name != "end" for event in ended)


async def _rest(stream: Stream) -> AsyncIterator[Event]:
    while (event := await stream.next()) is not None:
        yield event


async def test_nobody_keeps_more_than_a_dozen_streams_open(world: World, running: Run) -> None:
    address = f"/runs/{running.id}/stream"
    opened = [await world.client.get(address) for _ in range(12)]

    async with world.client.get(address) as one_more:
        refused = one_more.status
    opened[0].close()
    for response in opened:
        response.close()

    assert (refused, {response.status for response in opened}) == (429, {200})
