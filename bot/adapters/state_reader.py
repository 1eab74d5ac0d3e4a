"""Read Terraform's state objects and locks, and keep encrypted copies of states."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from bot.adapters.object_store import S3ObjectStore
from bot.domain.core.errors import (
    IntegrityError,
    ObjectExistsError,
    ObjectMissingError,
    UnreadableStateError,
)
from bot.domain.core.model import StateIdentity, StateKey
from bot.ports import Backend, ObjectStore, SealedObjects

NO_STATE: Final = StateIdentity(serial=None, lineage=None, sha256=None)
_UNSAFE_IN_KEY: Final = re.compile(r"[^A-Za-z0-9-]")
_FIELD_LIMIT: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStates:
    """States in their bucket, and snapshots in the bot's own."""

    states: ObjectStore
    artifacts: SealedObjects

    async def read(self, key: StateKey) -> tuple[StateIdentity, bytes | None]:
        """Return the state's identity and bytes."""
        return await read_state(self.states, key)

    async def keep(self, key: StateKey, identity: StateIdentity, data: bytes) -> str:
        """Store an immutable snapshot; return its object key."""
        return await snapshot(self.artifacts, key, data, identity)

    async def keep_unreadable(self, key: StateKey, data: bytes) -> str:
        """Store an unreadable state byte for byte; return its object key."""
        return await _keep(self.artifacts, f"history/{key}/unreadable-{_sha256(data)}.tfstate", data)

    async def kept(self, object_key: str) -> bytes:
        """Return a stored snapshot."""
        return await read_snapshot(self.artifacts, object_key)

    async def lock_holder(self, key: StateKey) -> str | None:
        """Return the holder of Terraform's own lock."""
        return await lock_info(self.states, key)


class BackendStates:
    """States read only with the key pair of an environment and purpose."""

    async def read(self, backend: Backend) -> tuple[StateIdentity, bytes | None]:
        """Return the state's identity and bytes; StoreError if the key pair has no access."""
        store = S3ObjectStore(
            endpoint_url=backend.endpoint_url,
            region=backend.region,
            bucket=backend.bucket,
            access_key_id=backend.access_key_id,
            secret_access_key=backend.secret_access_key,
        )
        try:
            return await read_state(store, backend.key)
        finally:
            await store.close()


async def read_state(store: ObjectStore, key: StateKey) -> tuple[StateIdentity, bytes | None]:
    """Return a state's identity and bytes; (NO_STATE, None) if there is none.

    Raises UnreadableStateError when the object is not a Terraform state.
    """
    try:
        data = await store.get(key)
    except ObjectMissingError:
        return NO_STATE, None
    if not data:
        # Terraform's own S3 backend takes an empty object for "no state" as well.
        return NO_STATE, None
    return await asyncio.to_thread(_identify, key, data), data


async def snapshot(
    artifacts: SealedObjects, state_key: StateKey, data: bytes, identity: StateIdentity
) -> str:
    """Store an encrypted copy of a state and return its key; an identical copy is reused.

    Raises IntegrityError when `data` does not match `identity`, or when the existing copy cannot be opened.
    """
    if identity.serial is None or identity.lineage is None or _sha256(data) != identity.sha256:
        raise IntegrityError(f"The bytes of {state_key} are not the state that was read.")
    object_key = _snapshot_key(state_key, identity.serial, identity.lineage, identity.sha256)
    return await _keep(artifacts, object_key, data)


async def _keep(artifacts: SealedObjects, object_key: str, data: bytes) -> str:
    try:
        await artifacts.create(object_key, data)
    except ObjectExistsError:
        await read_snapshot(artifacts, object_key)
    return object_key


async def read_snapshot(artifacts: SealedObjects, object_key: str) -> bytes:
    """Return the state of a snapshot; IntegrityError if it does not match its key."""
    data = await artifacts.get(object_key)
    if not object_key.endswith(f"-{_sha256(data)}.tfstate"):
        raise IntegrityError(f"{object_key} does not hold the state that its name says.")
    return data


async def lock_info(store: ObjectStore, key: StateKey) -> str | None:
    """Return the holder of Terraform's own lock as postable text; None if it is free."""
    try:
        data = await store.get(f"{key}.tflock")
    except ObjectMissingError:
        return None
    try:
        info = json.loads(data)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        return "a process whose lock file cannot be read"
    who, operation = _field(info, "Who"), _field(info, "Operation")
    return f"{who} for {operation} since {_field(info, 'Created')} (lock id {_field(info, 'ID')})"


def _identify(key: StateKey, data: bytes) -> StateIdentity:
    try:
        state = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise UnreadableStateError(
            f"The object {key} is not a Terraform state: it is not JSON.", data=data
        ) from exc
    serial = state.get("serial") if isinstance(state, dict) else None
    lineage = state.get("lineage") if isinstance(state, dict) else None
    if type(serial) is not int or serial < 0 or not isinstance(lineage, str):
        raise UnreadableStateError(
            f"The object {key} is not a Terraform state: it has no serial or no lineage.", data=data
        )
    return StateIdentity(serial=serial, lineage=lineage, sha256=_sha256(data))


def _snapshot_key(state_key: StateKey, serial: int, lineage: str, sha256: str) -> str:
    # A lineage is free text in a pushed state: it must not be able to name another folder.
    lineage8 = _UNSAFE_IN_KEY.sub("_", lineage[:8]) or "none"
    return f"history/{state_key}/{serial:010d}-{lineage8}-{sha256}.tfstate"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _field(info: dict[str, Any], name: str) -> str:
    """Return one line of printable text; the planned code may have written the lock file."""
    text = "".join(character for character in str(info.get(name, "")) if character.isprintable())
    return text.replace("`", "'")[:_FIELD_LIMIT] or "unknown"
