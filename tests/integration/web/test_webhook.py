from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.adapters.database.connection.errors import DatabaseUnavailableError
from bot.composition.web import why_ignored
from bot.domain.core.model import DeliveryId
from bot.ports import Reader, Writer
from tests.fakes.records.builders import HEAD
from tests.integration.web.served import Served
from tests.integration.web.world import SECRET, Client, World, comment, deliver, signed

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


async def test_a_delivery_is_recorded_and_enqueued_before_it_is_acknowledged(world: World) -> None:
    answer = await world.deliver(comment(), guid=GUID)

    async with world.database.read() as reader:
        recorded = await reader.delivery(DeliveryId(GUID))
    assert (answer.status, answer.body) == (202, {"delivery": GUID, "status": "accepted"})
    assert recorded is not None
    assert (recorded.event, recorded.action, recorded.repo, recorded.pull) == (
        "issue_comment",
        "created",
        "acme/infra",
        7,
    )
    assert json.loads(recorded.payload) == comment()
    assert (recorded.outcome, recorded.received_at) == (None, world.clock.moment)
    assert (await world.engine.depths())["inbox"] == 1


async def test_a_repeated_delivery_is_acknowledged_and_starts_nothing(world: World) -> None:
    await world.deliver(comment(), guid=GUID)

    answer = await world.deliver(comment(), guid=GUID)

    assert (answer.status, answer.body) == (200, {"delivery": GUID, "status": "duplicate"})
    assert (await world.engine.depths())["inbox"] == 1


async def test_the_same_delivery_twice_at_once_is_accepted_once(world: World) -> None:
    answers = await asyncio.gather(*(world.deliver(comment(), guid=GUID) for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [200] * 7 + [202]
    assert (await world.engine.depths())["inbox"] == 1


async def test_many_deliveries_at_once_are_all_kept(world: World) -> None:
    answers = await asyncio.gather(*(world.deliver(comment(number)) for number in range(60)))

    assert {answer.status for answer in answers} == {202}
    assert (await world.engine.depths())["inbox"] == 60


async def test_an_event_without_a_repository_is_accepted(world: World) -> None:
    answer = await world.deliver({"zen": "Keep it logically awesome.", "hook_id": 1}, "ping")

    assert (answer.status, answer.body["status"]) == (202, "accepted")


async def test_an_event_that_nothing_handles_is_recorded_as_ignored(world: World, served: Served) -> None:
    client = await served(handled_events=frozenset({"issue_comment"}))

    answer = await deliver(client, {"zen": "Design for failure."}, "ping", guid=GUID)

    async with world.database.read() as reader:
        recorded = await reader.delivery(DeliveryId(GUID))
    assert (answer.status, answer.body["status"]) == (202, "ignored")
    assert recorded is not None
    assert (recorded.outcome, recorded.payload) == ("ignored", b"")
    assert (await world.engine.depths())["inbox"] == 0


def status(sha: str) -> dict[str, Any]:
    """Another program's report on a commit, as GitHub sends it."""
    return {"repository": comment()["repository"], "sha": sha, "state": "success", "context": "ci/tests"}


def by_a_machine() -> dict[str, Any]:
    """A comment that an App wrote, such as ours."""
    payload = comment()
    return payload | {"comment": payload["comment"] | {"performed_via_github_app": {"id": 1}}}


@pytest.mark.parametrize(
    ("payload", "event", "note"),
    [
        (status("e" * 40), "status", "no plan that can be applied is of this commit"),
        (comment() | {"action": "edited"}, "issue_comment", "nothing is done for issue_comment edited"),
        (by_a_machine(), "issue_comment", "written by a machine"),
    ],
    ids=["a commit without a plan", "an action that nothing handles", "a comment of a bot"],
)
async def test_what_the_database_can_answer_starts_no_work(
    world: World, served: Served, payload: dict[str, Any], event: str, note: str
) -> None:
    client = await served(passed_over=why_ignored)

    answer = await deliver(client, payload, event, guid=GUID)

    async with world.database.read() as reader:
        recorded = await reader.delivery(DeliveryId(GUID))
    assert (answer.status, answer.body["status"]) == (202, "ignored")
    assert recorded is not None
    assert (recorded.outcome, recorded.note, recorded.payload) == ("ignored", note, b"")
    assert await world.engine.abandoned([f"delivery-{GUID}"]) == {f"delivery-{GUID}"}


async def test_report_on_planned_commit_waits_in_queue_of_its_own(world: World, served: Served) -> None:
    await world.add_run()
    client = await served(passed_over=why_ignored)

    answer = await deliver(client, status(HEAD), "status", guid=GUID)

    assert (answer.status, answer.body["status"]) == (202, "accepted")
    assert (await world.engine.depths())["inbox"] == 0
    assert await world.engine.abandoned([f"delivery-{GUID}"]) == frozenset()


async def test_a_wrong_signature_is_refused_and_leaves_nothing(world: World) -> None:
    answer = await world.deliver(comment(), guid=GUID, secret="another secret")

    async with world.database.read() as reader:
        recorded = await reader.delivery(DeliveryId(GUID))
    assert (answer.status, recorded) == (401, None)
    assert "error" in answer.body
    assert SECRET not in json.dumps(answer.body)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_only_post_is_allowed(world: World, method: str) -> None:
    async with world.client.request(method, "/webhooks/github") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_a_body_over_the_limit_is_refused(world: World, served: Served) -> None:
    client = await served(max_body=1000)
    body = b"x" * 1001

    async with client.post("/webhooks/github", data=body, headers=signed(body, "push", GUID)) as declared:
        first = declared.status

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    async with client.post("/webhooks/github", data=pieces(), headers=signed(body, "push", GUID)) as chunked:
        second = chunked.status

    assert (first, second) == (413, 413)


async def test_a_compressed_body_is_measured_unpacked(world: World, served: Served) -> None:
    client = await served(max_body=100_000)
    bomb = gzip.compress(b"0" * 200_000_000)
    headers = signed(bomb, "push", GUID) | {"Content-Encoding": "gzip"}

    async with client.post("/webhooks/github", data=bomb, headers=headers) as response:
        assert response.status == 413


async def test_a_compressed_delivery_is_signed_as_it_unpacks(world: World) -> None:
    body = json.dumps(comment()).encode()
    headers = signed(body, "issue_comment", GUID) | {"Content-Encoding": "gzip"}

    async with world.client.post("/webhooks/github", data=gzip.compress(body), headers=headers) as response:
        assert response.status == 202


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_does_not_unpack_is_refused(world: World, encoding: str) -> None:
    body = b"this is not compressed at all"
    headers = signed(body, "push", GUID) | {"Content-Encoding": encoding}

    async with world.client.post("/webhooks/github", data=body, headers=headers) as response:
        assert response.status == 400


async def test_a_body_that_never_arrives_is_given_up(served: Served) -> None:
    client = await served(body_seconds=0.05)

    status = await _raw(client, b"Content-Length: 100\r\n", b"only this")

    assert status == b"HTTP/1.1 408"


async def test_a_body_cut_short_harms_nothing(world: World) -> None:
    reader, writer = await asyncio.open_connection(world.client.host, world.client.port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\nonly this")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    del reader

    assert (await world.deliver(comment())).status == 202


async def test_when_database_is_away_github_is_told_to_come_back(world: World, served: Served) -> None:
    client = await served(records=_Away())

    answer = await deliver(client, comment())

    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert "secret detail" not in json.dumps(answer.body)


class _Away:
    """A database that does not answer."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Reader]:
        raise DatabaseUnavailableError("secret detail")
        yield

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Writer]:
        raise DatabaseUnavailableError("secret detail")
        yield

    async def check(self) -> None:
        raise DatabaseUnavailableError("secret detail")


async def _raw(client: Client, headers: bytes, body: bytes) -> bytes:
    """Send a request as it stands; returns the status line without its reason."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\n" + headers + b"\r\n" + body)
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line[: len(b"HTTP/1.1 408")]


async def test_a_guid_in_another_case_is_the_same_delivery(world: World) -> None:
    first = await world.deliver(comment(), guid=GUID.upper())
    second = await world.deliver(comment(), guid=GUID)

    assert (first.status, second.status) == (202, 200)
    assert uuid.UUID(first.body["delivery"]) == uuid.UUID(GUID)
