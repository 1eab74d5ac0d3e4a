"""Sync the stacks of a merged pull request with the base's tip.

Each stack that the pull request touched is planned at the base's tip, and applied if the policy says so.
Without a command, only reviewed changes are applied: the plan must do exactly what the pull request's last
visible plan would do, with the same code. All other differences are reported in the closeout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.core.errors import PolicyError
from bot.domain.core.model import PlanStatus, Repo, Run, RunId, RunKind, RunStatus, Stack
from bot.domain.core.run_lifecycle import ACTIVE, TERMINAL
from bot.domain.plans.plan import Lock, PlanRecord, does_what_was_reviewed, last_reviewed
from bot.domain.plans.reviewed import seen_before, unseen_losses
from bot.domain.releases.release import Release
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.ports import Clock, Reader, Records, Writer
from bot.services.applying.applying import Applying
from bot.services.merging.merge_order import Needs, lacks, later_syncs, must_wait, needs_of, required_syncs
from bot.services.planning.plan_records import counts_line
from bot.services.planning.planning import Planning
from bot.services.runs.new_runs import job_of
from bot.services.runs.requests import Trigger
from bot.services.runs.run_completion import RunCompletion
from bot.services.runs.run_execution import execute
from bot.services.stacks import locking
from bot.services.stacks.policies import Policies


class Compared(StrEnum):
    """Result of comparing the plan of the base's tip; kept as `sync` in the run's detail."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    """It was what had been reviewed, so it was applied; the rest of the detail is an apply's."""
    DIFFERS = "differs"
    """It would do something else than was reviewed, or is of other code."""
    DRIFT = "drift"
    """The last applied release is in base unchanged, and yet there is something to do."""
    PENDING = "pending"
    """The merged change is not applied there yet."""
    BLOCKED = "blocked"
    """It was reviewed, but a project that it depends on is not applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncing:
    """Runs of kind `sync`."""

    records: Records
    policies: Policies
    planning: Planning
    applying: Applying
    completion: RunCompletion
    clock: Clock

    async def request(self, trigger: Trigger, stacks: Sequence[Stack], applied: Sequence[Stack]) -> int:
        """Queue a sync of each stack once per merge; returns how many are new.

        Those of `applied` may change the state, so they take the lock, or wait for who has it; and they wait for
        what their projects depend on.
        """
        made, needs = 0, await self._needs(trigger.repo)
        async with self.records.write() as writer:
            await locking.lock_rows(writer, applied)
            for stack in stacks:
                now = self.clock.now()
                run = await writer.add_run(trigger.run(now, RunKind.SYNC, stack), now)
                if run is None:
                    continue
                made += 1
                if stack not in applied or await self._may_start(writer, run, needs):
                    await writer.enqueue(job_of(run))
        return made

    async def start_dependent_syncs(self, run_id: RunId) -> None:
        """Start the syncs that waited for this one to end; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            queued = [] if run is None else await later_syncs(reader, run)
        if run is None or run.status not in TERMINAL or not queued:
            return
        needs = await self._needs(await self.planning.github.repository(run.stack.repo))
        waited = [each.id for each in queued if run.stack.project in needs.get(each.stack.project, ())]
        if not waited:
            return
        async with self.records.write() as writer:
            await locking.lock_rows(writer, [each.stack for each in queued if each.id in waited])
            for each in await later_syncs(writer, run):
                if each.id in waited and await self._may_start(writer, each, needs):
                    await writer.enqueue(job_of(each))

    async def start_next(self, stack: Stack) -> bool:
        """Lock a free stack for the sync that has waited longest, and start it where it can.

        False where none waits.
        """
        async with self.records.read() as reader:
            if not await _waiting(reader, stack):
                return False
        needs = await self._needs(await self.planning.github.repository(stack.repo))
        async with self.records.write() as writer:
            waiting = await _waiting(writer, stack)
            if waiting and await self._may_start(writer, waiting[-1], needs):
                await writer.enqueue(job_of(waiting[-1]))
        return bool(waiting)

    async def execute(self, run_id: RunId) -> None:
        """Plan the tip, compare it, and apply only what was reviewed."""
        await execute(self.completion, run_id, self._sync, why="checking out the base")

    async def _sync(self, run: Run) -> None:
        if run.intent_at is not None or await self._is_to_be_applied(run):
            await self.applying.execute(run.id)

    async def release_lock(self, run_id: RunId) -> Stack | None:
        """Free the stack of a sync that has ended, unless an apply of it went wrong.

        Returns it when it is free.
        """
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status not in TERMINAL:
                return None
            lock = await writer.lock(run.stack)
            if lock is None or (lock.stack.repo, lock.pull) != (run.stack.repo, run.pull):
                return run.stack if lock is None else None
            if run.intent_at is not None and run.status is not RunStatus.SUCCEEDED:
                return None
            why = f"pull request {run.pull} was merged"
            by, at = run.actor, self.clock.now()
            await locking.release(writer, lock, by=by, why=why, at=at, cause=run.correlation_id)
        return run.stack

    async def _may_start(self, writer: Writer, run: Run, needs: Needs) -> bool:
        """Take the lock; whether it was free and nothing else is waited for."""
        if not await self._takes_lock(writer, run):
            return False
        return not must_wait(run, await required_syncs(writer, run, needs), needs)

    async def _needs(self, repo: Repo) -> Needs:
        """Return what depends on what.

        Nothing where the policy cannot be read, in which case nothing is applied.
        """
        try:
            return needs_of((await self.policies.recent(repo)).policy)
        except PolicyError:
            return {}

    async def _takes_lock(self, writer: Writer, run: Run) -> bool:
        if run.pull is None:
            return False
        wanted = Lock(
            stack=run.stack,
            pull=run.pull,
            holder=run.actor,
            run_id=run.id,
            since=self.clock.now(),
            reason="its merge is being carried out",
        )
        lock = await locking.take(writer, wanted, cause=run.correlation_id)
        return (lock.stack.repo, lock.pull) == (run.stack.repo, run.pull)

    async def _is_to_be_applied(self, run: Run) -> bool:
        async with self.records.read() as reader:
            planned = await reader.plan(run.plan_id) if run.plan_id else None
            reviewed = await reader.plans(repo=run.stack.repo, pull=run.pull, stack=run.stack)
            releases = await reader.releases(run.stack, limit=1)
        plan = planned or await self.planning.for_sync(run)
        repo, merged_at = await self._merged(run)
        policy = (await self.policies.load(repo)).policy
        env = policy.environment(run.stack.env)
        seen = seen_before(reviewed, merged_at)
        found = compare(plan, env, reviewed=seen, last=releases[0] if releases else None)
        if found is Compared.APPLIED and await self._lacks(run, policy):
            found = Compared.BLOCKED
        if found is Compared.APPLIED:
            if await self._still_holds(run):
                return True
            found = Compared.PENDING
        async with self.records.write() as writer:
            if plan.has_changes:
                await writer.set_plan_status(plan.id, PlanStatus.CANCELED, "not applied after the merge")
        detail: Mapping[str, Any] = {
            "sync": str(found),
            "serial": plan.state_serial,
            "unseen": list(unseen_losses(plan, seen)),
        }
        await self.completion.end(run, RunStatus.SUCCEEDED, None, counts_line(plan), detail)
        return False

    async def _merged(self, run: Run) -> tuple[Repo, datetime | None]:
        """Return the repository, and when the pull request was merged."""
        if run.pull is None:
            return await self.planning.github.repository(run.stack.repo), None
        repo, pull = await self.planning.github.subject(run.stack.repo, run.pull)
        return repo, pull.merged_at

    async def _still_holds(self, run: Run) -> bool:
        """Take the lock again where it was released meanwhile, as the end of a restore does."""
        async with self.records.write() as writer:
            return await self._takes_lock(writer, run)

    async def _lacks(self, run: Run, policy: RepoPolicy) -> bool:
        needs = needs_of(policy)
        async with self.records.read() as reader:
            return lacks(run, await required_syncs(reader, run, needs), needs)


async def _waiting(reader: Reader, stack: Stack) -> Sequence[Run]:
    """Return the syncs that have not begun, newest first; none while the stack is held."""
    if await reader.lock(stack) is not None:
        return ()
    return await reader.runs(state_key=stack.state_key, kinds=(RunKind.SYNC,), statuses=(RunStatus.QUEUED,))


def compare(
    plan: PlanRecord, env: EnvironmentPolicy, *, reviewed: Sequence[PlanRecord], last: Release | None
) -> Compared:
    """Compare a plan of the base's tip with the reviewed plans.

    `reviewed` are the pull request's plans of the stack that people have seen, newest first; see
    `seen_before`.
    """
    if not plan.has_changes:
        return Compared.UNCHANGED
    newest = last_reviewed(seen_before(reviewed, None))
    same = newest is not None and does_what_was_reviewed(plan, newest)
    # The digests say so already; that nothing is lost unseen does not hang on them alone.
    lost = () if newest is None or env.lifecycle != "permanent" else unseen_losses(plan, [newest])
    if env.after_merge == "apply" and same and not lost:
        return Compared.APPLIED
    in_place = last is not None and (last.inputs_digest, last.var_file_digest) == (
        plan.inputs_digest,
        plan.var_file_digest,
    )
    if last is not None and last.is_whole and in_place:
        return Compared.DRIFT
    return Compared.DIFFERS if env.after_merge == "apply" else Compared.PENDING


def is_waiting(run: Run, lock: Lock | None) -> bool:
    """Whether a sync has not begun because another pull request holds the stack."""
    foreign = lock is not None and (lock.stack.repo, lock.pull) != (run.stack.repo, run.pull)
    return run.status is RunStatus.QUEUED and foreign


def is_active(run: Run) -> bool:
    """Whether a run has not ended."""
    return run.status in ACTIVE
