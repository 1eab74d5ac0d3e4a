"""How the S3 store deals with servers that refuse, forget, break off, or do not do as they should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.object_store import S3ObjectStore
from bot.domain.core.errors import ObjectExistsError, ObjectMissingError, StoreError

KEY_ID = "AKIA-THE-KEY-ID"
SECRET = "the-secret-access-key"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Bucket:
    """A stand-in S3 server: an object dictionary, and answers that come first."""

    first_answers: list[Handler] = field(default_factory=list)
    honours_conditions: bool = True
    honours_versions: bool = True
    knows_versions: bool = True
    writes_although_refusing: bool = False
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.first_answers:
            return await self.first_answers.pop(0)(request)
        key = request.match_info["key"]
        if request.method == "PUT":
            return await self._put(key, request)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return web.Response(status=204)
        return web.Response(body=self.objects[key]) if key in self.objects else error(404, "NoSuchKey")

    async def _put(self, key: str, request: web.Request) -> web.Response:
        if "If-Match" in request.headers and not self.knows_versions:
            return error(400, "NotSupported")
        created = key in self.objects and "If-None-Match" in request.headers and self.honours_conditions
        # No version here has a tag, so that none is the one that is asked for.
        refused = created or ("If-Match" in request.headers and self.honours_versions)
        if not refused or self.writes_although_refusing:
            self.objects[key] = await request.read()
        return error(412, "PreconditionFailed") if refused else web.Response()

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def error(status: int, code: str) -> web.Response:
    # Real servers do repeat the key id in some of their messages.
    text = f"<Error><Code>{code}</Code><Message>{KEY_ID} was refused</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def refusing(status: int, code: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return error(status, code)

    return answer


async def break_off(request: web.Request) -> web.StreamResponse:
    """Promise more than comes."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"only this")
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def store_on(bucket: Bucket) -> AsyncIterator[S3ObjectStore]:
    app = web.Application()
    app.router.add_route("*", "/plans/{key:.*}", bucket.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        store = S3ObjectStore(
            endpoint_url=str(server.make_url("/")),
            region="auto",
            bucket="plans",
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            pause=bucket.pause,
        )
        yield store
        await store.close()


async def test_requests_are_path_style_without_checksums_that_r2_refuses() -> None:
    bucket = Bucket()

    async with store_on(bucket) as store:
        await store.put("a/key", b"data", create_only=True)
        await store.get("a/key")

    put, get = bucket.requests
    assert (put.path, put.headers["If-None-Match"]) == ("/plans/a/key", "*")
    assert not [name for name in (*put.headers, *get.headers) if "checksum" in name.lower()]
    assert "x-amz-trailer" not in put.headers
    assert "STREAMING" not in put.headers["x-amz-content-sha256"]


async def test_an_ordinary_write_carries_no_condition() -> None:
    bucket = Bucket()

    async with store_on(bucket) as store:
        await store.put("key", b"data")

    assert "If-None-Match" not in bucket.requests[0].headers


async def test_write_that_met_another_one_is_tried_again_after_second() -> None:
    conflict = refusing(409, "ConditionalRequestConflict")
    bucket = Bucket(first_answers=[conflict, conflict])

    async with store_on(bucket) as store:
        await store.put("key", b"data", create_only=True)

    assert bucket.objects == {"key": b"data"}
    assert len(bucket.pauses) == 2
    assert min(bucket.pauses) >= 1


async def test_a_key_that_is_written_too_often_is_tried_again() -> None:
    bucket = Bucket(first_answers=[refusing(429, "TooManyRequests")])

    async with store_on(bucket) as store:
        await store.put("key", b"data")

    assert bucket.objects == {"key": b"data"}


async def test_a_conflict_that_does_not_end_is_a_failure() -> None:
    bucket = Bucket(first_answers=[refusing(409, "ConditionalRequestConflict")] * 50)

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match="creating key in bucket plans: S3 answered 409"):
            await store.put("key", b"data", create_only=True)

    assert len(bucket.requests) == 5


async def test_created_object_with_a_lost_answer_is_recognised_as_ours() -> None:
    bucket = Bucket()

    async def write_and_lose_the_answer(request: web.Request) -> web.Response:
        bucket.objects["key"] = await request.read()
        return error(500, "InternalError")

    bucket.first_answers.append(write_and_lose_the_answer)

    async with store_on(bucket) as store:
        await store.put("key", b"ours", create_only=True)

    assert bucket.objects == {"key": b"ours"}


async def test_object_of_another_is_not_taken_for_ours_after_retry() -> None:
    bucket = Bucket(first_answers=[refusing(500, "InternalError")], objects={"key": b"theirs"})

    async with store_on(bucket) as store:
        with pytest.raises(ObjectExistsError):
            await store.put("key", b"ours", create_only=True)

    assert bucket.objects == {"key": b"theirs"}


async def test_an_answer_that_breaks_off_is_read_again() -> None:
    bucket = Bucket(first_answers=[break_off], objects={"key": b"whole"})

    async with store_on(bucket) as store:
        assert await store.get("key") == b"whole"


async def test_an_answer_that_always_breaks_off_is_a_failure() -> None:
    bucket = Bucket(first_answers=[break_off] * 50, objects={"key": b"whole"})

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match="reading key: the connection broke"):
            await store.get("key")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "InvalidAccessKeyId", "S3 answered 403 InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch", "S3 answered 403 SignatureDoesNotMatch"),
        (404, "NoSuchBucket", "there is no such bucket"),
    ],
)
async def test_a_refusal_is_told_without_credentials(status: int, code: str, words: str) -> None:
    bucket = Bucket(first_answers=[refusing(status, code)])

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match=words) as caught:
            await store.get("key")

    assert not isinstance(caught.value, ObjectMissingError)
    assert KEY_ID not in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_a_server_that_does_not_answer_is_named() -> None:
    async with store_on(Bucket()) as store:
        pass
    unreachable = S3ObjectStore(
        endpoint_url=store._endpoint_url,
        region="auto",
        bucket="plans",
        access_key_id=KEY_ID,
        secret_access_key=SECRET,
    )

    with pytest.raises(StoreError, match=r"writing key .*: no answer from http://127\.0\.0\.1:\d+"):
        await unreachable.put("key", b"data")

    await unreachable.close()


async def test_server_that_ignores_conditions_fails_probe_and_is_left_clean() -> None:
    bucket = Bucket(honours_conditions=False)

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match="two applies could run at once"):
            await store.probe()

    assert bucket.objects == {}


async def test_server_that_ignores_version_conditions_fails_the_probe_cleanly() -> None:
    bucket = Bucket(honours_versions=False)

    async with store_on(bucket) as store:
        with pytest.raises(
            StoreError, match=r"ignores `If-Match`, so `/state restore` could .* Use a server"
        ):
            await store.probe()

    assert bucket.objects == {}


async def test_server_without_versions_fails_the_probe_with_advice() -> None:
    bucket = Bucket(knows_versions=False)

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match=r"`If-Match`.*400 NotSupported.* Use a server"):
            await store.probe()

    assert bucket.objects == {}


async def test_server_that_refuses_but_writes_anyway_fails_the_probe() -> None:
    bucket = Bucket(writes_although_refusing=True)

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match="wrote it all the same"):
            await store.probe()

    assert bucket.objects == {}


async def test_a_probe_without_the_right_to_write_says_so() -> None:
    bucket = Bucket(first_answers=[refusing(403, "AccessDenied")])

    async with store_on(bucket) as store:
        with pytest.raises(StoreError, match=r"creating \.gatewright-probe/.*403 AccessDenied"):
            await store.probe()
