"""Run duties periodically."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

_LOG = logging.getLogger(__name__)
PeriodicTask = Callable[[], Awaitable[None]]
"""A task of every worker; it must be safe to run in several workers at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicTasks:
    """Runs tasks in order, then waits."""

    tasks: Mapping[str, PeriodicTask]
    seconds: float
    """Seconds between two rounds."""

    async def run_forever(self) -> None:
        """Run until cancelled; a failed task is logged and repeated in the next round."""
        while True:
            for name, task in self.tasks.items():
                try:
                    await task()
                except Exception:  # noqa: BLE001 - a failed task must not stop the round
                    _LOG.exception("the task %s failed; it is tried again", name)
            await asyncio.sleep(self.seconds)
