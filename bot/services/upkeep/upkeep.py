"""Delete old data on a schedule; the audit log is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import uuid4

from bot.domain.core.model import RunId
from bot.ports import Clock, ObjectStore, OldPlan, Pruned, Records

_LOG = logging.getLogger(__name__)
_DUTY: Final = "prune"
_PUSHES_KEPT: Final = timedelta(days=180)
"""How long pushes to branches without an open pull request are kept here."""
_PAGE: Final = 100
"""Rows per transaction: on SQLite all other writers wait for it."""
_PAGE_OF_PUSHES: Final = 1000
"""Rows per query: finding deletable rows takes longer than deleting them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things are kept after their end; None for ever."""

    logs: timedelta | None
    plans: timedelta | None
    payloads: timedelta | None
    workflows: timedelta | None
    idle: timedelta | None
    """Mirrors and slots of this machine, counted from their last use."""


class Logs(Protocol):
    """Stored logs of runs."""

    async def delete(self, run_id: RunId) -> None:
        """Delete the stored log of a run."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete this machine's log files not written since then; return how many."""
        ...


OnTidied = Callable[[Mapping[str, int]], None]
"""Called after a successful round with the number of deleted items of each kind."""
PruneWorkspace = Callable[[timedelta], Awaitable[Sequence[object]]]
PruneWorkflows = Callable[[datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Deletes old data periodically. Every step may be repeated and interrupted."""

    records: Records
    artifacts: ObjectStore
    logs: Logs
    prune_workspace: PruneWorkspace
    prune_workflows: PruneWorkflows
    clock: Clock
    keep: Keep
    every: timedelta
    on_tidied: OnTidied
    name: str = field(default_factory=lambda: uuid4().hex)
    """Name of this process among those that take turns."""

    async def run_forever(self) -> None:
        """Clean this machine, and shared stores on this worker's turn; failures are retried."""
        while True:
            try:
                machine = await self.tidy_machine()
                self.on_tidied({"machine": machine, **(await self.tidy_stores() or {})})
            except Exception:  # noqa: BLE001 -- The upkeep outlives whatever one round met.
                _LOG.exception("upkeep met a trouble; it goes on next time")
            # Looking more often than it is due lets another worker take over soon from one that died.
            await asyncio.sleep(self.every.total_seconds() / 4)

    async def tidy_machine(self) -> int:
        """Remove idle slots, mirrors and log files of this machine; return how many.

        Slots in use, and those with a state that Terraform could not save, are kept.
        """
        gone = 0
        if self.keep.idle is not None:
            gone += len(await self.prune_workspace(self.keep.idle))
        if self.keep.logs is not None:
            gone += await self.logs.prune(self.clock.now() - self.keep.logs)
        return gone

    async def tidy_stores(self) -> dict[str, int] | None:
        """Delete old shared data; return kind -> number, None if another worker has the turn."""
        now = self.clock.now()
        async with self.records.write() as writer:
            if not await writer.take_turn(_DUTY, at=now, every=self.every, by=self.name):
                return None
        tasks = {
            "logs": (self.keep.logs, self._prune_logs),
            "plans": (self.keep.plans, self._prune_plans),
            "payloads": (self.keep.payloads, self._clear_payloads),
            "workflows": (self.keep.workflows, self.prune_workflows),
            "pushes": (_PUSHES_KEPT, self._prune_pushes),
        }
        counts = {what: await prune(now - kept) for what, (kept, prune) in tasks.items() if kept is not None}
        async with self.records.write() as writer:
            await writer.end_turn(_DUTY, at=self.clock.now(), by=self.name)
        if any(counts.values()):
            _LOG.info("pruned %s", ", ".join(f"{count} {what}" for what, count in counts.items() if count))
        return counts

    async def _prune_logs(self, before: datetime) -> int:
        async def page() -> int:
            async with self.records.read() as reader:
                runs = await reader.old_logs(before, limit=_PAGE)
            for run_id in runs:
                await self.logs.delete(run_id)
            await self._mark(Pruned.LOG, runs)
            return len(runs)

        return await _until_none(page)

    async def _prune_plans(self, before: datetime) -> int:
        async def page() -> int:
            async with self.records.read() as reader:
                plans = await reader.old_plans(before, limit=_PAGE)
            for plan in plans:
                await self._delete_bundle(plan)
            await self._mark(Pruned.PLAN, [plan.id for plan in plans])
            return len(plans)

        return await _until_none(page)

    async def _delete_bundle(self, plan: OldPlan) -> None:
        for key in await self.artifacts.list(f"{plan.bundle_key}/"):
            await self.artifacts.delete(key)

    async def _clear_payloads(self, before: datetime) -> int:
        async def page() -> int:
            async with self.records.write() as writer:
                return await writer.clear_payloads(before, limit=_PAGE)

        return await _until_none(page)

    async def _prune_pushes(self, before: datetime) -> int:
        async def page() -> int:
            async with self.records.write() as writer:
                return await writer.prune_pushes(before, limit=_PAGE_OF_PUSHES)

        return await _until_none(page)

    async def _mark(self, what: Pruned, ids: Sequence[str]) -> None:
        """Mark what was deleted, so that an interrupted round repeats at most one page."""
        if ids:
            async with self.records.write() as writer:
                await writer.mark_pruned(what, ids, self.clock.now())


async def _until_none(page: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while count := await page():
        total += count
    return total
