"""Writes the plan comment of a pull request: one for the plans of all its stacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from bot.comments.pulls.plan_view import StackView
from bot.comments.pulls.plans import PullPlansView, pull_plans_comment
from bot.domain.core.model import PlanId, PlanLane, PullRequest, Repo, Sha
from bot.domain.gates import GateResult
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.drift_checks import drifted
from bot.ports import Reader, Records, Remote
from bot.ports.shared_reads import shared_reads
from bot.services.reporting.plan_facts import PlanFacts, foreign
from bot.services.reporting.posting import (
    ANNOUNCED,
    Poster,
    body_key,
    digest_of,
    fold_job,
    folded_key,
    written_key,
)
from bot.services.reporting.pull_plan_rows import Row, read_rows, without_times
from bot.services.reporting.separate_plans import MOST_ROUNDS, plan_key
from bot.services.runs.links import Links
from bot.services.runs.requests import OPEN_PLANS
from bot.services.stacks.locking import lock_rows

_AT_ONCE: Final = 8
"""Plans whose gates are judged at the same time."""

_REF: Final = "plans"
"""The reference of these comments, by which one is found again after a crash."""

Gates = dict[PlanId, tuple[GateResult, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Why the comment is written."""

    asked_by: int | None = None
    """The comment that requested a plan."""
    head: str | None = None
    """The head that a plan of this comment is the first of; None for a change of what is shown already."""
    pull: PullRequest | None = None
    """The pull request, if the caller has just read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPlanComments:
    """Writes the comment, one write at a time per pull request in this process."""

    records: Records
    facts: PlanFacts
    poster: Poster
    links: Links
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    async def show(self, repo: Repo, number: int, occasion: Occasion) -> None:
        """Write the comment until it shows the current records."""
        # Another process may write the same comment at the same time. So the records are read again after writing, and
        # what has changed is written again: then the process that writes last has also read last.
        async with self.turns.setdefault(f"{repo.full_name}#{number}", asyncio.Lock()):
            for _ in range(MOST_ROUNDS):
                if await self._write(repo, number, occasion):
                    return
                # It was posted; later rounds edit it.
                occasion = replace(occasion, asked_by=None, head=None)

    async def shows(self, repo: Repo, plan: PlanId, occasion: Occasion) -> bool:
        """Whether an earlier write has shown this plan where it belongs."""
        async with self.records.read() as reader:
            found = await reader.outlines_of([plan])
            if not found or found[0].posted_at is None or (number := found[0].pull) is None:
                return False
            known = await reader.remote_id(repo.full_name, f"plans:{number}")
            head = await reader.remote_id(repo.full_name, f"plans:{number}@{occasion.head}")
            unshown = await reader.unshown_plans(repo=repo.full_name, pull=number, limit=1000)
        return bool(known and head and known > (occasion.asked_by or 0)) and plan not in unshown

    async def _write(self, repo: Repo, number: int, occasion: Occasion) -> bool:
        """Write the current status of all plans; returns whether it was still current afterwards."""
        rows, gates = await self._judged(repo, number, occasion.pull)
        if not rows:
            return True
        async with self.records.read() as reader:
            plans = await _plans(reader, rows)
        body = pull_plans_comment(await self._view(repo, number, rows, plans, gates))
        unposted = [row.plan.id for row in rows if row.plan is not None and row.plan.posted_at is None]
        if unposted:
            await self._find_posted(repo, number, [plans[each] for each in unposted])
        at = await self._post(repo, number, body, occasion, first=bool(unposted))
        return await self._posted(repo, number, rows, at)

    async def _posted(self, repo: Repo, number: int, shown: tuple[Row, ...], at: datetime | None) -> bool:
        """Record what a write showed; returns whether it is still current.

        `at` is None if nothing was written.
        """
        async with self.records.write() as writer:
            # The locks of the stacks are read before plans are updated. All transactions use this order, so that none
            # deadlock.
            await lock_rows(writer, [row.stack for row in shown])
            is_true = without_times(await read_rows(writer, repo.full_name, number)) == without_times(shown)
            for plan in [row.plan for row in shown if row.plan is not None]:
                if at is not None and plan.posted_at is None:
                    await writer.mark_posted(plan.id, at)
                if is_true:
                    await writer.mark_shown(plan.id)
        return is_true

    async def _judged(
        self, repo: Repo, number: int, pull: PullRequest | None
    ) -> tuple[tuple[Row, ...], Gates]:
        """Return the rows as they are after the gates of all their plans were judged."""
        # Judging takes a while, so everything else is read afterwards, and is current when the comment is posted.
        gates: Gates = {}
        rows: tuple[Row, ...] = ()
        for _ in range(MOST_ROUNDS):
            async with self.records.read() as reader:
                rows = await read_rows(reader, repo.full_name, number)
                new = [
                    row.plan.id
                    for row in rows
                    if row.plan and row.can_be_applied and row.plan.id not in gates
                ]
                plans = [plan for each in new if (plan := await reader.plan(each)) is not None]
            if not plans:
                break
            gates |= await self._judge(repo, plans, pull)
        return rows, gates

    async def _judge(self, repo: Repo, plans: Sequence[PlanRecord], pull: PullRequest | None) -> Gates:
        turn = asyncio.Semaphore(_AT_ONCE)

        async def judge(plan: PlanRecord) -> tuple[GateResult, ...]:
            async with turn:
                return await self.facts.gates(repo, plan, pull)

        with shared_reads():
            results = await asyncio.gather(*(judge(plan) for plan in plans))
        return {plan.id: found for plan, found in zip(plans, results, strict=True)}

    async def _view(
        self,
        repo: Repo,
        number: int,
        rows: Sequence[Row],
        plans: dict[PlanId, PlanRecord],
        gates: Gates,
    ) -> PullPlansView:
        stacks = [await self._stack(repo, number, row, plans, gates) for row in rows]
        return PullPlansView(pull=number, head=_head(rows), stacks=stacks, ref=_REF)

    async def _stack(
        self, repo: Repo, number: int, row: Row, plans: dict[PlanId, PlanRecord], gates: Gates
    ) -> StackView:
        plan = None if row.plan is None else plans[row.plan.id]
        held = foreign(row.lock, row.stack, number)
        return StackView(
            stack=row.stack,
            plan=plan,
            failed=row.failed,
            planning=row.planning,
            run_url=self._run_url(row, plan),
            gates=gates.get(plan.id, ()) if plan is not None and row.can_be_applied else (),
            locked_by=held,
            is_tenanted=held is not None and await self.facts.is_tenanted(repo, row.stack),
            applying=row.applying,
            applying_url=None if row.applying is None else self.links.run(row.applying.id),
            outside=()
            if plan is None or row.check is None or plan.status not in OPEN_PLANS
            else drifted(row.check),
            next_steps=() if plan is None else await self.facts.next_steps(repo, plan, held),
        )

    def _run_url(self, row: Row, plan: PlanRecord | None) -> str | None:
        run = row.planning or row.failed
        if run is not None:
            return self.links.run(run.id)
        return None if plan is None else self.links.run(plan.run_id)

    async def _find_posted(self, repo: Repo, number: int, plans: Sequence[PlanRecord]) -> None:
        """Record when an earlier attempt showed these plans, if a crash followed."""
        # Commands that were written since then refer to these plans.
        async with self.records.write() as writer:
            begun = []
            for plan in plans:
                key = f"shown:{plan.id}"
                if await writer.remote_id(repo.full_name, key) is not None:
                    begun.append(plan)
                else:
                    await writer.set_remote_id(repo.full_name, key, ANNOUNCED)
        for plan in begun:
            at = await self.poster.found_at(repo, number, f'"run": "{plan.run_id}", "plan": "{plan.id}"')
            if at is not None:
                async with self.records.write() as writer:
                    await writer.mark_posted(plan.id, at)

    async def _post(
        self, repo: Repo, number: int, body: str, occasion: Occasion, *, first: bool
    ) -> datetime | None:
        """Post the comment, or edit it where it is; None if GitHub shows this text already."""
        key, head = f"plans:{number}", f"plans:{number}@{occasion.head}"
        digest = digest_of(body)
        async with self.records.read() as reader:
            known = await reader.remote(repo.full_name, key)
            shown = await reader.remote_id(repo.full_name, body_key(key))
            is_new_head = occasion.head is not None and await reader.remote_id(repo.full_name, head) is None
            written = await reader.remote_id(repo.full_name, written_key(number)) or 0
        below = max(occasion.asked_by or 0, written if is_new_head else 0)
        if known is not None and known.id > below and shown == digest and not first:
            return None
        asked = occasion.asked_by is not None
        at = await self.poster.sticky(
            repo, number, key, body, below=below, asked=asked, marker=f'"ref": "{_REF}"'
        )
        async with self.records.write() as writer:
            await writer.set_remote_id(repo.full_name, body_key(key), digest)
            if is_new_head and (posted := await writer.remote_id(repo.full_name, key)):
                await writer.set_remote_id(repo.full_name, head, posted)
        if known is None or occasion.head is not None:
            await self._fold_older(repo, number)
        return at

    async def _fold_older(self, repo: Repo, number: int) -> None:
        """Fold comments about single stacks: on queues for environments, and of earlier versions."""
        async with self.records.write() as writer:
            for row in await read_rows(writer, repo.full_name, number):
                key = plan_key(number, row.stack, PlanLane.CODE)
                older: Remote | None = await writer.remote(repo.full_name, key)
                folded = await writer.remote_id(repo.full_name, folded_key(key))
                if older is not None and older.id and older.id != folded:
                    await writer.enqueue(fold_job(repo, number, older))
                    await writer.set_remote_id(repo.full_name, folded_key(key), older.id)


async def _plans(reader: Reader, rows: Sequence[Row]) -> dict[PlanId, PlanRecord]:
    """Return the plans of the rows with the status that the rows have."""
    found = {}
    for outline in [row.plan for row in rows if row.plan is not None]:
        plan = await reader.plan(outline.id)
        if plan is not None:
            found[plan.id] = replace(
                plan,
                status=outline.status,
                status_reason=outline.status_reason,
                posted_at=outline.posted_at,
            )
    return found


def _head(rows: Sequence[Row]) -> Sha:
    """Return the newest head that a row has a plan or a plan run of."""
    found = [each for row in rows for each in (row.plan, row.planning, row.failed) if each is not None]
    heads = [(each.head_number or 0, each.head_sha) for each in found if each.head_sha is not None]
    return max(heads, key=lambda head: head[0])[1]
