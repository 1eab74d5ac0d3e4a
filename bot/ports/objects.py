"""The ports for the bot's bucket, and for the encryption of its objects."""

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
        """Check that the store supports create-if-absent and replace-this-version.

        Raises StoreError with the reason if it does not.
        """
        ...


class Cipher(Protocol):
    """Authenticated encryption of what must not be readable in the bucket."""

    def seal(self, data: bytes, *, context: str) -> bytes:
        """Encrypt; `context` (the object key) must be given again to open."""
        ...

    def open(self, data: bytes, *, context: str) -> bytes:
        """Decrypt; IntegrityError when bytes or context differ."""
        ...


class SealedObjects(Protocol):
    """Encrypted objects in the bot's bucket. Errors: those of `ObjectStore`, and IntegrityError."""

    async def create(self, key: str, data: bytes) -> None:
        """Encrypt and store an object; ObjectExistsError where the key is taken."""
        ...

    async def get(self, key: str) -> bytes:
        """Return a decrypted object.

        Raises IntegrityError if it is not what was stored under the key.
        """
        ...
