"""What arrives at the webhook's port without being GitHub's, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import hmac
import json
import uuid
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.hostile_input.scene import Scene
from tests.e2e.world import World

_LIMIT = 25 * 1024 * 1024


async def post(world: World, body: bytes, headers: dict[str, str]) -> int:
    url = f"{world.playground.bot.url}/webhooks/github"
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


def signature(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def headers(guid: str | None = None, **more: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def signed(world: World, body: bytes, guid: str | None = None, **more: str) -> dict[str, str]:
    secret = world.playground.secrets.webhook_secret
    return headers(guid, X_Hub_Signature_256=signature(secret, body), **more)


async def comment_delivery(world: World, line: str) -> tuple[int, bytes]:
    """Return a pull request, and the body that GitHub would send for a comment of `line` on it."""
    number = await world.open_staging_change()
    await world.hear(number, kind="plan", env="staging", status="planned")
    comment = await world.comment(number, "a word that is no command")
    await world.idle()
    github = world.github
    delivered = next(each for each in reversed(github.deliveries) if each.event == "issue_comment")
    folder = world.playground.directory / "github" / "deliveries"
    payload: dict[str, Any] = json.loads(next(folder.glob(f"{delivered.guid}*")).read_bytes())
    assert payload["comment"]["id"] == comment
    payload["comment"]["body"] = line
    return number, json.dumps(payload).encode()


async def test_command_counts_only_when_it_is_signed_with_the_secret(scene: Scene) -> None:
    # Given the body of a delivery that would plan staging,
    world = scene.world
    number, body = await comment_delivery(world, "/plan staging")
    await scene.remember()
    deliveries = delivery_ids(world)
    # When it arrives unsigned, signed with another secret, with SHA-1 only, or changed after it was signed,
    secret = world.playground.secrets.webhook_secret
    forged = {
        "unsigned": headers(),
        "another secret": headers(X_Hub_Signature_256=signature("not the secret", body)),
        "empty secret": headers(X_Hub_Signature_256=signature("", body)),
        "SHA-1 only": headers(X_Hub_Signature=signature(secret, body, "sha1")),
        "of another body": headers(X_Hub_Signature_256=signature(secret, body + b" ")),
    }
    answers = {name: await post(world, body, given) for name, given in forged.items()}
    malformed = {
        "SHA-1 in the place of SHA-256": headers(X_Hub_Signature_256=signature(secret, body, "sha1")),
        "no digest": headers(X_Hub_Signature_256="sha256="),
    }
    answers |= {name: await post(world, body, given) for name, given in malformed.items()}
    # Then each is turned away, and nothing is recorded or done.
    assert answers == {**dict.fromkeys(forged, 401), **dict.fromkeys(malformed, 400)}
    await scene.nothing_happened()
    assert delivery_ids(world) == deliveries
    assert world.watch(number).unread() == []
    # When the same body is signed rightly,
    guid = str(uuid.uuid4())
    assert await post(world, body, signed(world, body, guid)) == 202
    # Then it is taken: what was turned away was turned away for its signature alone.
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.idle()
    assert len(world.runs()) == scene.before.runs + 1


async def test_a_repeated_delivery_is_answered_and_done_once(scene: Scene) -> None:
    # Given a delivery that was accepted,
    world = scene.world
    number, body = await comment_delivery(world, "/plan staging")
    guid = str(uuid.uuid4())
    assert await post(world, body, signed(world, body, guid)) == 202
    await world.hear(number, kind="plan", env="staging", status="planned")
    await scene.remember()
    # When it comes again, also with its GUID in capitals, and when the comment comes under another GUID,
    again = [await post(world, body, signed(world, body, name)) for name in (guid, guid.upper())]
    other = await post(world, body, signed(world, body))
    # Then a repeated GUID is no news, and the comment is not carried out twice.
    assert again == [200, 200]
    assert other == 202
    await scene.nothing_happened()
    assert world.watch(number).unread() == []


EMPTY = (
    ("sender",),
    ("pull_request", "user"),
    ("pull_request", "body"),
    ("pull_request", "merged_by"),
    ("pull_request", "merge_commit_sha"),
    ("pull_request", "head", "repo"),
    ("pull_request", "head", "user"),
    ("pull_request", "head", "label"),
    ("review", "user"),
    ("review", "body"),
    ("comment", "user"),
    ("issue", "user"),
    ("check_run", "app"),
    ("head_commit",),
)
"""What GitHub's schemas let be null: deleted accounts and forks, descriptions that nobody wrote."""


def emptied(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the payload with all of these fields empty, and with all but the sender."""
    sender, *others = EMPTY
    made = copy.deepcopy(payload)
    if sum(_empty(made, path) for path in others):
        yield copy.deepcopy(made)
    _empty(made, sender)
    yield made


def _empty(payload: dict[str, Any], path: tuple[str, ...]) -> bool:
    *outer, last = path
    place: Any = payload
    for name in outer:
        place = place.get(name) or {}
    if place.get(last) is None:
        return False
    place[last] = None
    return True


async def send_emptied(world: World, kinds: set[str]) -> None:
    """Send the newest delivery of each kind again, as other deliveries in which something is empty."""
    repo = world.github.repo(world.repo).id
    newest = {
        (each.event, each.action): each for each in world.github.deliveries if each.repository_id == repo
    }
    assert kinds <= {event for event, _ in newest}
    for delivery in newest.values():
        for payload in emptied(world.github.hooks.payload(delivery.guid)):
            body = json.dumps(payload).encode()
            given = signed(world, body, X_GitHub_Event=delivery.event)
            assert await post(world, body, given) == 202
    await world.idle()


async def test_what_github_may_leave_empty_fails_no_delivery(world: World) -> None:
    # Given a pull request to which everything has happened, and one of a fork that is deleted,
    github = world.github
    number, _ = await world.open_planned("Empty")
    await world.comment(number, "a word that is no command")
    review = await github.review(world.repo, number, author="owner", state="approved")
    await github.dismiss_review(review.id, author="admin")
    fork = await github.open_pull(
        world.repo, author="outsider", branch="theirs", files={"README.md": "# Theirs\n"}, fork="outsider"
    )
    await world.idle()
    await github.delete_repo(fork.head_repo)
    await world.push({"README.md": "# Ours\n"})
    await world.idle()
    await github.rerequest(world.check(number, "gatewright/plan").id, author="dev")
    await world.idle()
    # when all of it comes again with empty fields, while it is open and after the queue has merged it,
    await send_emptied(world, {"pull_request", "pull_request_review", "issue_comment", "check_run"})
    await github.queue(world.repo, number, author="dev")
    await github.merge_queue(world.repo)
    await github.delete_branch(world.repo, "change", author="dev")
    await github.close(world.repo, fork.number, author="outsider")
    await world.idle()
    await send_emptied(world, {"pull_request", "merge_group", "push"})
    # then every delivery is handled, the merge was applied once, and nothing else was.
    question = "SELECT event, note FROM deliveries WHERE repo = ? AND outcome NOT IN ('handled', 'ignored')"
    assert world._ask(question, world.repo) == []
    assert [run["status"] for run in world.runs(kind="sync")] == ["succeeded"]
    assert (world.runs(kind="apply"), world.locks()) == ([], [])
    for each in (number, fork.number):
        await world.told(each)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"action": "created", "comment": {"id": 1, "bo',
        b"[]",
        b"null",
        b'{"action": 7}',
        b'{"action": "created", "repository": "acme/infra"}',
        b"\xff\xfe{}",
        b"[" * 100_000,
    ],
    ids=[
        "empty",
        "cut off early",
        "cut off in a text",
        "a list",
        "null",
        "a number for a word",
        "a word for an object",
        "not UTF-8",
        "nested deeply",
    ],
)
async def test_signed_body_that_is_not_payload_is_a_bad_request(scene: Scene, body: bytes) -> None:
    world = scene.world
    deliveries = delivery_ids(world)
    # When GitHub's own signature comes with a body that is cut off or of another shape,
    status = await post(world, body, signed(world, body))
    # Then the answer is 400, never 500, and nothing is recorded.
    assert status == 400
    await scene.nothing_happened()
    assert delivery_ids(world) == deliveries


async def test_a_signed_body_with_wrong_headers_is_a_bad_request(scene: Scene) -> None:
    world = scene.world
    body = b'{"action": "created"}'
    right = signed(world, body)
    wrong = {
        "no event": ({"X-GitHub-Event": ""}, 400),
        "an event of many lines": ({"X-GitHub-Event": "issue comment"}, 400),
        "no GUID": ({"X-GitHub-Delivery": ""}, 400),
        "a GUID that is a path": ({"X-GitHub-Delivery": "../../etc/passwd"}, 400),
        "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        "text": ({"Content-Type": "text/plain"}, 415),
        "gzip that is none": ({"Content-Encoding": "gzip"}, 400),
    }
    answers = {name: await post(world, body, {**right, **change}) for name, (change, _) in wrong.items()}
    assert answers == {name: expected for name, (_, expected) in wrong.items()}
    await scene.nothing_happened()


async def test_body_above_25_mb_is_refused_with_or_without_length(scene: Scene) -> None:
    # Given a rightly signed body one byte above what GitHub sends,
    world = scene.world
    body = b'{"action": "created", "padding": "' + b"x" * _LIMIT + b'"}'
    given = signed(world, body)
    # When it is announced with its length, and when it is streamed without one,
    announced = await status_of_large(world, body, given, chunked=False)
    streamed = await status_of_large(world, body, given, chunked=True)
    # Then it is refused as too large, and the server goes on.
    assert (announced, streamed) == (413, 413)
    small = b'{"zen": "Keep it logically awesome."}'
    assert await post(world, small, {**signed(world, small), "X-GitHub-Event": "ping"}) == 202
    await scene.nothing_happened()


async def status_of_large(world: World, body: bytes, given: dict[str, str], *, chunked: bool) -> int:
    """Send as a client that reads the answer even when the server stops listening."""
    host, port = world.playground.bot.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{name}: {value}" for name, value in given.items()]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
    writer.write("\r\n".join(["POST /webhooks/github HTTP/1.1", "Host: bot", *lines, "", ""]).encode())
    piece = 1 << 20
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(body) if chunked else piece, piece):
            part = body[start : start + piece]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    try:
        line = await asyncio.wait_for(reader.readline(), 20)
    finally:
        writer.close()
    return int(line.split()[1])


async def test_only_post_and_only_this_path_take_deliveries(scene: Scene) -> None:
    world = scene.world
    body = b'{"action": "created"}'
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{world.playground.bot.url}/webhooks/github") as answer:
            assert answer.status == 405
        async with session.post(
            f"{world.playground.bot.url}/webhooks/other", data=body, headers=signed(world, body)
        ) as answer:
            assert answer.status == 404
    await scene.nothing_happened()


def delivery_ids(world: World) -> set[str]:
    return {row["id"] for row in world._ask("SELECT id FROM deliveries")}
