"""Buckets for the length of one check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.adapters.object_store import S3ObjectStore
from bot.settings import KeyPair, Settings

S3 = ("s3_endpoint_url", "s3_region", "s3_access_key_id", "s3_secret_access_key")
"""The settings that every bucket needs."""


@asynccontextmanager
async def store(settings: Settings, keys: KeyPair, bucket: str) -> AsyncIterator[S3ObjectStore]:
    """Open a bucket with a key pair; closes it at the end."""
    made = S3ObjectStore(
        endpoint_url=settings.s3_endpoint_url,
        region=settings.s3_region,
        bucket=bucket,
        access_key_id=keys.access_key_id,
        secret_access_key=keys.secret_access_key,
    )
    try:
        yield made
    finally:
        await made.close()
