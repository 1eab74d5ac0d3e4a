"""The bucket of the bot, and the encryption of what is kept there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ObjectStore(Protocol):
    """One bucket. Errors: ObjectMissingError, ObjectExistsError, StoreError."""

    async def put(self, key: str, data: bytes, *, create_only: bool = False) -> None:
        """Write an object; with `create_only` an existing one is ObjectExistsError."""
        ...

    async def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        ...

    async def delete(self, key: str) -> None:
        """Delete an object; a missing one is not an error."""
        ...

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, sorted."""
        ...

    async def probe(self) -> None:
        """Prove that create-if-absent and replace-this-version are honoured; StoreError says what is wrong."""
        ...


class Cipher(Protocol):
    """Authenticated encryption of what must not be readable in the bucket."""

    def seal(self, data: bytes, *, context: str) -> bytes:
        """Encrypt; `context` (the object key) must be given again to open."""
        ...

    def open(self, data: bytes, *, context: str) -> bytes:
        """Decrypt; IntegrityError when bytes or context differ."""
        ...
