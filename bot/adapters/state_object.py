"""The object of a state, accessed like Terraform does: same key pair, same lock file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.adapters.object_store import S3ObjectStore
from bot.adapters.state_reader import lock_info
from bot.domain.core.errors import ObjectExistsError, ObjectMissingError
from bot.domain.core.model import StateKey
from bot.ports import Backend
from bot.ports.records.restores import StateLock, StateObject, Stored


class S3StateObjects:
    """Opens a client per use, because each environment and purpose has its own key pair."""

    @asynccontextmanager
    async def open(self, backend: Backend) -> AsyncIterator[StateObject]:
        """Return access to one state with the backend's key pair."""
        store = S3ObjectStore(
            endpoint_url=backend.endpoint_url,
            region=backend.region,
            bucket=backend.bucket,
            access_key_id=backend.access_key_id,
            secret_access_key=backend.secret_access_key,
        )
        try:
            yield S3StateObject(store=store, key=backend.key)
        finally:
            await store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class S3StateObject:
    """Implements `StateObject`."""

    store: S3ObjectStore
    key: StateKey

    async def lock(self, lock: StateLock) -> str | None:
        """Take Terraform's lock; return its holder if it is taken."""
        try:
            await self.store.put(self._lock_key, _terraforms_words(lock, self.key), create_only=True)
        except ObjectExistsError:
            if await self._is_ours(lock):
                return None
            return await lock_info(self.store, self.key) or "a process that has just released it"
        return None

    async def unlock(self, lock: StateLock) -> None:
        """Release the lock if it is ours."""
        if await self._is_ours(lock):
            await self.store.delete(self._lock_key)

    async def read(self) -> Stored:
        """Return the object, whatever it contains."""
        try:
            data, tag = await self.store.tagged(self.key)
        except ObjectMissingError:
            return Stored(data=None, tag=None)
        return Stored(data=data, tag=tag)

    async def write(self, data: bytes, *, over: Stored) -> None:
        """Replace exactly the version that was read; ObjectExistsError if it has changed."""
        if over.tag is None:
            await self.store.put(self.key, data, create_only=True)
        else:
            await self.store.replace(self.key, data, tag=over.tag)

    @property
    def _lock_key(self) -> str:
        return f"{self.key}.tflock"

    async def _is_ours(self, lock: StateLock) -> bool:
        try:
            found = json.loads(await self.store.get(self._lock_key))
        except (ObjectMissingError, ValueError, RecursionError):
            return False
        return isinstance(found, dict) and found.get("ID") == lock.id


def _terraforms_words(lock: StateLock, key: StateKey) -> bytes:
    """Return the content of Terraform's lock file, so that its commands show and release ours."""
    info = {
        "ID": lock.id,
        "Operation": "OperationTypeRestore",
        "Info": "",
        "Who": lock.who,
        "Version": "gatewright",
        "Created": lock.created.isoformat(),
        "Path": key,
    }
    return json.dumps(info).encode()
