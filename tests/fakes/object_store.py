"""The in-memory twin of the S3 object store; the contract tests hold both to the same behaviour."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.core.errors import ObjectExistsError, ObjectMissingError, StoreError


class MemoryObjectStore:
    """An `ObjectStore` in a dictionary; `objects` is open to the tests that look or tamper."""

    def __init__(self, *, honours_create_only: bool = True) -> None:
        self.objects: dict[str, bytes] = {}
        self._honours_create_only = honours_create_only

    async def put(self, key: str, data: bytes, *, create_only: bool = False) -> None:
        """Write an object; with `create_only` an existing one is ObjectExistsError."""
        if create_only and self._honours_create_only and key in self.objects:
            raise ObjectExistsError(f"creating {key}: the object exists already.")
        self.objects[key] = bytes(data)

    async def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        try:
            return self.objects[key]
        except KeyError:
            raise ObjectMissingError(f"reading {key}: there is no such object.") from None

    async def delete(self, key: str) -> None:
        """Delete an object; a missing one is not an error."""
        self.objects.pop(key, None)

    async def list(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix, sorted."""
        return sorted(key for key in self.objects if key.startswith(prefix))

    async def probe(self) -> None:
        """Prove that conditional writes are honoured; StoreError says what is wrong."""
        if not self._honours_create_only:
            raise StoreError(
                "The object store ignores `If-None-Match: *`, so Terraform's state lock would not hold."
            )
