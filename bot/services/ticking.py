"""What is done every now and then, whether anything happened or not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)
Chore = Callable[[], Awaitable[None]]
"""Done by every worker at its own pace, so it must do nothing twice by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticking:
    """Does its chores one after the other, then rests."""

    chores: Mapping[str, Chore]
    seconds: float
    """Of rest between two rounds."""

    async def go_on(self) -> None:
        """Do so until cancelled; a chore that fails is logged, and done again in the next round."""
        while True:
            for name, chore in self.chores.items():
                try:
                    await chore()
                except Exception:  # noqa: BLE001 - a round outlives whatever one chore met
                    _LOG.exception("the chore %s failed; it is tried again", name)
            await asyncio.sleep(self.seconds)
