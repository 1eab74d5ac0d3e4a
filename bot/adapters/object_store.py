"""One bucket of an S3 server (R2 in production) through boto3, in a small thread pool."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from bot.domain.core.errors import ObjectExistsError, ObjectMissingError, StoreDeniedError, StoreError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_T = TypeVar("_T")

_THREADS: Final = 8
_ATTEMPTS: Final = 5
_PRECONDITION_FAILED: Final = 412
_DENIED: Final = frozenset({401, 403})
_CONFLICT: Final = 409
"""A conditional write met another one in progress, whose result is unknown."""
_PROBE_PREFIX: Final = ".gatewright-probe/"
_NO_VERSION: Final = f'"{"0" * 32}"'
"""A valid tag that no version has."""
_USE_ANOTHER: Final = "Use a server that honours conditional writes (Cloudflare R2 and Amazon S3 do)."

_CONFIG: Final = Config(
    signature_version="s3v4",
    s3={"addressing_style": "path"},
    # R2 has refused the trailing checksums that newer SDKs add by default.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=5,
    read_timeout=30,
    max_pool_connections=_THREADS,
)


@cache
def _session() -> Session:
    """Return the session of the process; each new one would parse the description of S3 again."""
    return Session()


class S3ObjectStore:
    """The `ObjectStore` of one bucket; `close` it. Messages never contain credentials."""

    def __init__(
        self,
        *,
        endpoint_url: str,
        region: str,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._bucket = bucket
        self._pause = pause
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._client: S3Client = _session().client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=_CONFIG,
        )

    async def close(self) -> None:
        """Close connections and threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def put(self, key: str, data: bytes, *, create_only: bool = False) -> None:
        """Write an object; with `create_only` an existing one is ObjectExistsError."""
        action = "creating" if create_only else "writing"
        try:
            await self._call(f"{action} {key}", lambda: self._put(key, data, create_only=create_only))
        except _RetriedWriteError as exc:
            # The first response was lost: only the object itself shows whether that write succeeded.
            if await self.get(key) != data:
                raise ObjectExistsError(str(exc)) from exc

    async def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        return await self._call(f"reading {key}", lambda: self._get(key))

    async def tagged(self, key: str) -> tuple[bytes, str]:
        """Return an object's bytes and the tag of this version."""
        return await self._call(f"reading {key}", lambda: self._tagged(key))

    async def replace(self, key: str, data: bytes, *, tag: str) -> None:
        """Replace the version of this tag; ObjectExistsError if it is no longer the current one."""
        try:
            await self._call(
                f"replacing {key}",
                lambda: self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfMatch=tag),
            )
        except _RetriedWriteError as exc:
            if await self.get(key) != data:
                raise ObjectExistsError(str(exc)) from exc
        except ObjectMissingError as exc:
            raise ObjectExistsError(f"replacing {key}: the object is gone.") from exc

    async def delete(self, key: str) -> None:
        """Delete an object; a missing one is not an error."""
        with suppress(ObjectMissingError):
            await self._call(
                f"deleting {key}", lambda: self._client.delete_object(Bucket=self._bucket, Key=key)
            )

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, sorted."""
        return await self._call(f"listing {prefix}", lambda: self._list(prefix))

    async def reachable(self) -> None:
        """Check that the bucket answers; cheap enough for readiness checks."""
        await self._call("reaching the bucket", lambda: self._client.head_bucket(Bucket=self._bucket))

    async def probe(self) -> None:
        """Check that create-if-absent and replace-this-version work; else StoreError."""
        key = f"{_PROBE_PREFIX}{secrets.token_hex(8)}"
        await self.put(key, b"first", create_only=True)
        try:
            await self._prove_guarded(key)
        except StoreError:
            with suppress(StoreError):
                await self.delete(key)
            raise
        await self.delete(key)

    async def _prove_guarded(self, key: str) -> None:
        with suppress(ObjectExistsError):
            await self.put(key, b"second", create_only=True)
            raise StoreError(
                f"The S3 server at {self._endpoint_url} ignores `If-None-Match: *`, so Terraform's state lock "
                f"would not hold and two applies could run at once. {_USE_ANOTHER}"
            )
        await self._prove_versions(key)
        if await self.get(key) != b"first":
            raise StoreError(
                f"The S3 server at {self._endpoint_url} refused a conditional write but wrote it all the same."
                f" {_USE_ANOTHER}"
            )

    async def _prove_versions(self, key: str) -> None:
        try:
            await self.replace(key, b"third", tag=_NO_VERSION)
        except ObjectExistsError:
            return
        except StoreError as exc:
            raise StoreError(
                f"The S3 server at {self._endpoint_url} took no write with `If-Match`, without which "
                f"`/state restore` cannot tell that a state has changed: {exc} {_USE_ANOTHER}"
            ) from exc
        raise StoreError(
            f"The S3 server at {self._endpoint_url} ignores `If-Match`, so `/state restore` could overwrite a state "
            f"that was changed just before. {_USE_ANOTHER}"
        )

    def _put(self, key: str, data: bytes, *, create_only: bool) -> None:
        if create_only:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, IfNoneMatch="*")
        else:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def _get(self, key: str) -> bytes:
        return self._tagged(key)[0]

    def _tagged(self, key: str) -> tuple[bytes, str]:
        found = self._client.get_object(Bucket=self._bucket, Key=key)
        try:
            return found["Body"].read(), found.get("ETag", "")
        except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as exc:
            raise _BrokenReadError(
                f"reading {key}: the connection broke in the middle of the object."
            ) from exc

    def _list(self, prefix: str) -> Sequence[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    async def _call(self, doing: str, work: Callable[[], _T]) -> _T:
        """Run `work` in the pool, with retries where botocore has none (it retries 429 and 5xx)."""
        what = f"{doing} in bucket {self._bucket}"
        loop = asyncio.get_running_loop()
        attempt = 1
        while True:
            try:
                return await loop.run_in_executor(self._pool, work)
            except ClientError as exc:
                if attempt == _ATTEMPTS or _status(exc) != _CONFLICT:
                    raise _translated(what, exc) from exc
            except _BrokenReadError:
                if attempt == _ATTEMPTS:
                    raise
            except BotoCoreError as exc:
                raise StoreError(
                    f"{what}: no answer from {self._endpoint_url} ({type(exc).__name__})."
                ) from exc
            # R2 takes one write of a key per second; the random part parts two that met.
            await self._pause(attempt + secrets.randbelow(1000) / 1000)
            attempt += 1


class _BrokenReadError(StoreError):
    """The connection broke during an answer, which botocore does not retry."""


class _RetriedWriteError(StoreError):
    """A create-if-absent was refused after a retry: the object may be our own first attempt."""


def _status(exc: ClientError) -> int:
    return exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _translated(what: str, exc: ClientError) -> StoreError:
    code = exc.response.get("Error", {}).get("Code", "unknown")
    if code == "NoSuchKey":
        return ObjectMissingError(f"{what}: there is no such object.")
    if code == "NoSuchBucket":
        return StoreError(f"{what}: there is no such bucket.")
    if _status(exc) == _PRECONDITION_FAILED:
        message = f"{what}: another object is there already."
        retried = exc.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        return _RetriedWriteError(message) if retried else ObjectExistsError(message)
    # Only the code is shown: an S3 server's own message may repeat the access key id.
    refused = StoreDeniedError if _status(exc) in _DENIED else StoreError
    return refused(f"{what}: S3 answered {_status(exc)} {code}.")
