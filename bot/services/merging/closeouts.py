"""Post the closeout of a merged pull request.

It lists what was applied, by whom, approved by whom, and what was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.comments.pulls.closeout import CloseoutRow, CloseoutView, closeout_comment
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import PullRequest, Repo, Run, RunId, RunKind, RunStatus, Stack
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.environments.waits import LockAct
from bot.domain.gates.freezes import HoldCause
from bot.domain.plans.plan import Lock, PlanRecord
from bot.policy import RepoPolicy
from bot.ports import GitHub, Reader, Records
from bot.ports.records.releases import ReleaseReader
from bot.services.merging.merge_order import Needs, needs_of, required_syncs
from bot.services.merging.syncing import is_waiting
from bot.services.recovery.dead_letters import LOST
from bot.services.reporting.posting import Poster
from bot.services.reporting.statuses import Statuses
from bot.services.runs.links import Links
from bot.services.stacks.policies import Policies

_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Closeouts:
    """Writes it when everything that the merge started has ended.

    A stack that waits for its lock is added later.
    """

    records: Records
    github: GitHub
    poster: Poster
    statuses: Statuses
    links: Links
    policies: Policies

    async def report(self, run_id: RunId) -> None:
        """Update the closeout after a sync; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        await self.statuses.request_deployment(run)
        await self.post(repo, await self.github.pull(repo, run.pull))

    async def destroyed(self, run_id: RunId) -> None:
        """Update the closeout after a destroy that the merge started; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None or run.status not in TERMINAL:
            return
        repo, pull = await self.github.subject(run.stack.repo, run.pull)
        if pull.merged:
            await self.post(repo, pull)

    async def post(self, repo: Repo, pull: PullRequest) -> None:
        """Create or update the closeout, unless one of its runs has not ended."""
        policy = await self._policy(repo)
        needs = {} if policy is None else needs_of(policy)
        async with self.records.read() as reader:
            view = await self._view(reader, repo, pull, needs)
        if view is not None:
            view = replace(view, rows=_marked(view.rows, policy))
            await self.poster.sticky(repo, pull.number, f"merged:{pull.number}", closeout_comment(view))

    async def _policy(self, repo: Repo) -> RepoPolicy | None:
        try:
            return (await self.policies.recent(repo)).policy
        except PolicyError:
            return None

    async def _view(self, reader: Reader, repo: Repo, pull: PullRequest, needs: Needs) -> CloseoutView | None:
        name, number = repo.full_name, pull.number
        runs = await reader.runs(repo=name, pull=number, limit=_MOST)
        plans = await reader.plans(repo=name, pull=number, limit=_MOST)
        every = [*(run.stack for run in reversed(runs)), *(plan.stack for plan in reversed(plans))]
        stacks = {(stack.project, stack.env): stack for stack in every}
        rows = []
        for key in sorted(stacks):
            row = await self._row(reader, stacks[key], runs, plans)
            row = replace(row, waits_for=await _waits_for(reader, row.sync, needs))
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
            # What is destroyed has a sentence of its own on how that ended.
            held=[
                lock
                for lock in await reader.locks(repo=name, pull=number)
                if lock.stack.state_key not in going
            ],
            overrides=[
                each for each in await reader.overrides(repo=name, pull=number) if each.used_run is not None
            ],
            reverted=[
                env
                for env in dict.fromkeys(row.stack.env for row in rows)
                if all(_is_unchanged(row.sync) for row in rows if row.stack.env == env)
                and any(hold.cause is HoldCause.REVERT for hold in await reader.holds(repo=name, env=env))
            ],
        )

    async def _row(
        self, reader: ReleaseReader, stack: Stack, runs: Sequence[Run], plans: Sequence[PlanRecord]
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
        )


def _marked(rows: Sequence[CloseoutRow], policy: RepoPolicy | None) -> Sequence[CloseoutRow]:
    """Return the rows; what cannot be applied is marked, as far as the policy can be read."""
    if policy is None:
        return rows
    closed = {env for env in policy.environments if not policy.environment(env).apply.is_possible}
    return [replace(row, is_for_reading=row.stack.env in closed) for row in rows]


async def _waits_for(reader: Reader, sync: Run | None, needs: Needs) -> Lock | None:
    """Return another pull request's lock for which a sync, or one before it, waits."""
    if sync is None or sync.status is not RunStatus.QUEUED:
        return None
    for each in (sync, *await required_syncs(reader, sync, needs)):
        lock = await reader.lock(each.stack)
        if is_waiting(each, lock):
            return lock
    return None


def _is_unchanged(sync: Run | None) -> bool:
    return sync is not None and sync.detail.get("sync") == "unchanged"


def _is_at_work(sync: Run, lock: Lock | None) -> bool:
    """Whether a sync has not ended, or has not released its stack yet; its own report follows."""
    ours = lock is not None and (lock.stack.repo, lock.pull) == (sync.stack.repo, sync.pull)
    lets_go = sync.status is RunStatus.SUCCEEDED or sync.intent_at is None
    if sync.detail.get("problem") == LOST:
        return False  # The run that would release the stack failed: a person must.
    return sync.status not in TERMINAL or (ours and lets_go)


def _same(one: Stack, other: Stack) -> bool:
    return (one.project, one.env) == (other.project, other.env)
