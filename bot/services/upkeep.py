"""Tidying up on a schedule: what is old goes, who did what and when stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.domain.model import RunId
from bot.ports import Clock, ObjectStore, OldPlan, Pruned, Records

_LOG = logging.getLogger(__name__)
_DUTY: Final = "prune"
_PAGE: Final = 100
"""Rows per transaction: on SQLite everybody who writes waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long things are kept after their end; None keeps them for ever."""

    logs: timedelta | None
    plans: timedelta | None
    payloads: timedelta | None
    workflows: timedelta | None
    idle: timedelta | None
    """Mirrors and slots of this machine, since they were last used."""


class Logs(Protocol):
    """The logs of runs."""

    async def delete(self, run_id: RunId) -> None:
        """Delete what is stored of a run's log."""
        ...

    async def prune(self, before: datetime) -> int:
        """Delete this machine's log files that were not written to since then; returns how many."""
        ...


OnTidied = Callable[[Mapping[str, int]], None]
"""Told after a round without trouble: what -> how many are gone."""
PruneWorkspace = Callable[[timedelta], Awaitable[Sequence[object]]]
PruneWorkflows = Callable[[datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Prunes, again and again. Every step may be repeated and may be cut off anywhere."""

    records: Records
    artifacts: ObjectStore
    logs: Logs
    prune_workspace: PruneWorkspace
    prune_workflows: PruneWorkflows
    clock: Clock
    keep: Keep
    every: timedelta
    on_tidied: OnTidied

    async def run_for_ever(self) -> None:
        """Tidy this machine, and the shared stores when it is this worker's turn; a failure is tried next time."""
        while True:
            try:
                machine = await self.tidy_machine()
                self.on_tidied({"machine": machine, **(await self.tidy_stores() or {})})
            except Exception:  # noqa: BLE001 -- The upkeep outlives whatever one round met.
                _LOG.exception("upkeep met a trouble; it goes on next time")
            # Looking more often than it is due lets another worker take over soon from one that died.
            await asyncio.sleep(self.every.total_seconds() / 4)

    async def tidy_machine(self) -> int:
        """Remove idle slots, mirrors and log files of this machine; returns how many.

        Slots that somebody holds, and those with a state that Terraform could not save, are left alone.
        """
        gone = 0
        if self.keep.idle is not None:
            gone += len(await self.prune_workspace(self.keep.idle))
        if self.keep.logs is not None:
            gone += await self.logs.prune(self.clock.now() - self.keep.logs)
        return gone

    async def tidy_stores(self) -> dict[str, int] | None:
        """Prune what all workers share; returns what -> how many, None when another worker has the turn."""
        now = self.clock.now()
        async with self.records.write() as writer:
            if not await writer.take_turn(_DUTY, at=now, every=self.every):
                return None
        chores = {
            "logs": (self.keep.logs, self._prune_logs),
            "plans": (self.keep.plans, self._prune_plans),
            "payloads": (self.keep.payloads, self._clear_payloads),
            "workflows": (self.keep.workflows, self.prune_workflows),
        }
        counts = {what: await prune(now - kept) for what, (kept, prune) in chores.items() if kept is not None}
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

    async def _mark(self, what: Pruned, ids: Sequence[str]) -> None:
        """Only what is gone is marked: a prune that was cut off does the same page again."""
        if ids:
            async with self.records.write() as writer:
                await writer.mark_pruned(what, ids, self.clock.now())


async def _until_none(page: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while count := await page():
        total += count
    return total
