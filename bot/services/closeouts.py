"""The closeout of a merged pull request: what is where now, by whom, approved by whom, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.comments.closeout import CloseoutRow, CloseoutView, closeout_comment
from bot.domain.errors import PolicyError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import PullRequest, Repo, Run, RunId, RunKind, RunStatus, Stack
from bot.domain.plan import Lock, PlanRecord
from bot.domain.waiting import LockAct
from bot.ports import GitHub, Reader, Records
from bot.services.deployments import Deployments
from bot.services.jobs import Links
from bot.services.losses import LOST
from bot.services.policies import Policies
from bot.services.posting import Poster
from bot.services.syncing import is_waiting

_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeouts:
    """Writes it when everything that the merge started has ended; a stack that waits for its lock is added later."""

    records: Records
    github: GitHub
    poster: Poster
    deployments: Deployments
    links: Links
    policies: Policies

    async def report(self, run_id: RunId) -> None:
        """Tell that a sync has ended. Repeating it tells nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        await self.deployments.ended(repo, run)
        await self.post(repo, await self.github.pull(repo, run.pull))

    async def destroyed(self, run_id: RunId) -> None:
        """Tell how a destroy that the merge brought about has ended. Repeating it tells nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None or run.status not in TERMINAL:
            return
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        if pull.merged:
            await self.post(repo, pull)

    async def post(self, repo: Repo, pull: PullRequest) -> None:
        """Write the closeout, or bring it up to date; nothing while something that it tells of is at work."""
        async with self.records.read() as reader:
            view = await self._view(reader, repo, pull)
        if view is not None:
            view = replace(view, rows=await self._marked(repo, view.rows))
            await self.poster.sticky(repo, pull.number, f"merged:{pull.number}", closeout_comment(view))

    async def _marked(self, repo: Repo, rows: Sequence[CloseoutRow]) -> Sequence[CloseoutRow]:
        """Return the rows; what nobody may apply is marked, as far as the policy can be read."""
        try:
            policy = (await self.policies.recent(repo)).policy
        except PolicyError:
            return rows
        closed = {env for env in policy.environments if not policy.environment(env).apply.is_possible}
        return [replace(row, is_for_reading=row.stack.env in closed) for row in rows]

    async def _view(self, reader: Reader, repo: Repo, pull: PullRequest) -> CloseoutView | None:
        name, number = repo.full_name, pull.number
        runs = await reader.runs(repo=name, pull=number, limit=_MOST)
        plans = await reader.plans(repo=name, pull=number, limit=_MOST)
        every = [*(run.stack for run in reversed(runs)), *(plan.stack for plan in reversed(plans))]
        stacks = {(stack.project, stack.env): stack for stack in every}
        found = [await self._row(reader, stacks[key], runs, plans) for key in sorted(stacks)]
        rows = []
        for row in _behind(found):
            lock = await reader.lock(row.stack)
            if row.waits_for is None and row.sync is not None and _is_at_work(row.sync, lock):
                return None
            rows.append(row)
        going = {row.stack.state_key for row in rows if row.destroy is not None}
        events = await reader.lock_events(repo=name, pull=number)
        newest = {event.stack.state_key: event for event in reversed(events)}
        return CloseoutView(
            base_ref=pull.base_ref,
            merge_commit=pull.merge_commit,
            rows=rows,
            released=[event.stack for event in newest.values() if event.act is LockAct.UNLOCKED],
            # What is given up by destroying it has its own word on how that ended.
            held=[
                lock
                for lock in await reader.locks(repo=name, pull=number)
                if lock.stack.state_key not in going
            ],
            overrides=[
                each for each in await reader.overrides(repo=name, pull=number) if each.used_run is not None
            ],
        )

    async def _row(
        self, reader: Reader, stack: Stack, runs: Sequence[Run], plans: Sequence[PlanRecord]
    ) -> CloseoutRow:
        ours = [run for run in runs if _same(run.stack, stack)]
        sync = next((run for run in ours if run.kind is RunKind.SYNC), None)
        applied = next(
            (
                run
                for run in ours
                if run.kind is RunKind.APPLY and run.status is RunStatus.SUCCEEDED and run.operation is None
            ),
            None,
        )
        destroy = next((run for run in ours if run.kind is RunKind.DESTROY), None)
        release = await reader.release(applied.plan_id) if applied and applied.plan_id else None
        lock: Lock | None = await reader.lock(stack)
        return CloseoutRow(
            stack=stack,
            plan=next((plan for plan in plans if _same(plan.stack, stack) and plan.operation is None), None),
            applied=applied,
            approvers=release.approvers if release is not None else (),
            operations=[
                run.operation
                for run in reversed(ours)
                if run.operation is not None
                and run.kind is RunKind.APPLY
                and run.status is RunStatus.SUCCEEDED
            ],
            sync=sync,
            sync_url=self.links.run(sync.id) if sync is not None else None,
            destroy=destroy,
            destroy_url=self.links.run(destroy.id) if destroy is not None else None,
            waits_for=lock if sync is not None and is_waiting(sync, lock) else None,
        )


def _behind(rows: Sequence[CloseoutRow]) -> Sequence[CloseoutRow]:
    """Return the rows; what waits behind a sync of its environment that waits for a lock waits for the same."""
    waiting = {row.stack.env: row.waits_for for row in rows if row.waits_for is not None}
    return [
        replace(row, waits_for=waiting.get(row.stack.env))
        if row.waits_for is None and row.sync is not None and row.sync.status is RunStatus.QUEUED
        else row
        for row in rows
    ]


def _is_at_work(sync: Run, lock: Lock | None) -> bool:
    """Whether a sync has not ended, or is about to let go of its stack: its own report follows that."""
    ours = lock is not None and (lock.stack.repo, lock.pull) == (sync.stack.repo, sync.pull)
    lets_go = sync.status is RunStatus.SUCCEEDED or sync.intent_at is None
    if sync.detail.get("problem") == LOST:
        return False  # Whoever was to let go of the stack was given up: people must.
    return sync.status not in TERMINAL or (ours and lets_go)


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)
