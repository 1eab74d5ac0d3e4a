"""Objects that are encrypted before they are stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.ports import Cipher, ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedObjects:
    """Implements `bot.ports.SealedObjects` by an object store and a cipher."""

    objects: ObjectStore
    cipher: Cipher

    async def create(self, key: str, data: bytes) -> None:
        """Encrypt and store an object under a key that nothing has yet."""
        sealed = await asyncio.to_thread(self.cipher.seal, data, context=key)
        await self.objects.put(key, sealed, create_only=True)

    async def get(self, key: str) -> bytes:
        """Return an object in the clear."""
        sealed = await self.objects.get(key)
        return await asyncio.to_thread(self.cipher.open, sealed, context=key)
