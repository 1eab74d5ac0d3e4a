"""Reading what a plan has stored beside its record."""

from __future__ import annotations

import asyncio

from bot.domain.plan import PlanRecord
from bot.ports import Cipher, ObjectStore


async def open_stored(artifacts: ObjectStore, cipher: Cipher, plan: PlanRecord, name: str) -> bytes:
    """Return `plan`, `secrets` or `work` of a stored plan; IntegrityError when it is not what was sealed."""
    key = f"{plan.bundle_key}/{name}"
    sealed = await artifacts.get(key)
    return await asyncio.to_thread(cipher.open, sealed, context=key)
