"""Leases of environments to pull requests: holder, queue and destruction.

The lock of a state names the holder, and its `run_id` the holder's run that claimed it last. A plan that
still has the claim at its end is applied automatically; a destroy that still has it releases the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.comments.pulls.leases import QueueView, queue_comment
from bot.domain.core.accounts import Account
from bot.domain.core.errors import NotServedError
from bot.domain.core.model import EnvName, Repo, Run, RunId, RunKind, RunStatus, Stack, StateKey
from bot.domain.core.run_kinds import LEASE_CHANGES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.environments.leases import may_exist
from bot.domain.plans.plan import Lock
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, NewRun, Reader, Records, Writer
from bot.ports.records.environment_queue import Waiting
from bot.services.applying import project_rollout
from bot.services.reporting.posting import Poster, folded_key, sticky_key
from bot.services.runs.new_runs import Cause, follow_up, job_of, new_run, queue_run
from bot.services.runs.requests import Trigger
from bot.services.stacks import locking
from bot.services.stacks.state_owners import StateOwners


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentLeases:
    """Leases environments to one pull request at a time, and destroys them in between."""

    records: Records
    github: GitHub
    poster: Poster
    owners: StateOwners
    clock: Clock

    # --- Coming -----------------------------------------------------------------------------------------

    async def deploy(self, trigger: Trigger, stacks: Sequence[Stack]) -> None:
        """Plan each stack in order to apply it; queue if another pull request has the lease.

        All or none are recorded, since a repetition could not know which one the rest waits for.
        """
        begun: set[EnvName] = set()
        queued: list[StateKey] = []
        async with self.records.write() as writer:
            await locking.lock_rows(writer, stacks)
            foreign = await self.owners.foreign(writer, stacks)
            for stack in stacks:
                if stack in foreign:
                    # The state belongs to another repository: do not queue; the plan's run names the owner.
                    await self._plan_only(writer, trigger, stack)
                    continue
                held = await writer.lock(stack)
                if held is not None and not _is_by(held, trigger.repo, trigger.pull.number):
                    await writer.wait_for(stack, trigger.pull.number, trigger.actor, self.clock.now())
                    queued.append(stack.state_key)
                    continue
                run = trigger.run(self.clock.now(), RunKind.PLAN, stack)
                if await self._claim(writer, run, start=stack.env not in begun):
                    begun.add(stack.env)
        for key in queued:
            await self._show_queue(key)

    async def _plan_only(self, writer: Writer, trigger: Trigger, stack: Stack) -> None:
        now = self.clock.now()
        await queue_run(writer, trigger.run(now, RunKind.PLAN, stack), now)

    async def after_plan(self, run_id: RunId) -> None:
        """Apply a plan of a lease, or release a lease that was not needed; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            lock = await reader.lock(run.stack) if run is not None else None
        # Only `deploy` gives a plan the claim, so no other plan is applied here.
        if run is None or lock is None or lock.run_id != run.id or run.status not in TERMINAL:
            return
        if run.status is RunStatus.SUCCEEDED:
            await self._apply(run)
            return
        async with self.records.write() as writer:
            await project_rollout.skip_rest(writer, run, self.clock.now())
        if not await self._may_exist(run.stack, lock.pull):
            async with self.records.write() as writer:
                now = await writer.lock(run.stack)
                if now is not None and now.run_id == run.id:
                    why, at = "it could not be planned", self.clock.now()
                    await locking.release(writer, now, by=run.actor, why=why, at=at, cause=run.correlation_id)
            await self.start_next_in_queue(run.stack.state_key)

    async def _apply(self, run: Run) -> None:
        async with self.records.write() as writer:
            plan = await writer.plan(run.plan_id) if run.plan_id else None
            if plan is None or not plan.has_changes:
                await project_rollout.start_next_plan(writer, run)
                return
            cause, now = follow_up(run), self.clock.now()
            key = f"deploy:{run.id}"
            apply = new_run(cause, now, RunKind.APPLY, run.stack, plan_id=plan.id, dedupe_key=key)
            await queue_run(writer, apply, now)

    # --- Going ------------------------------------------------------------------------------------------

    async def leave(
        self,
        repo: Repo,
        pull: int,
        policy: RepoPolicy,
        *,
        by: Account,
        cause: str,
        comment_id: int | None = None,
        only: Sequence[Stack] = (),
    ) -> tuple[Stack, ...]:
        """Destroy the pull request's leased environments, leave all queues, return the destroyed.

        `cause` identifies repetitions. Without `only` all leases are ended.
        """
        leaving = []
        meant = only or policy.stacks(repo.full_name, pull=pull)
        async with self.records.write() as writer:
            await locking.lock_rows(writer, [stack for stack in meant if is_tenanted(policy, stack)])
            queues = {one.stack.state_key for one in await writer.waiting(repo=repo.full_name, pull=pull)}
            if not only:
                await writer.stop_waiting(repo=repo.full_name, pull=pull)
            locks = {
                lock.stack.state_key: lock for lock in await writer.locks(repo=repo.full_name, pull=pull)
            }
            begun: set[EnvName] = set()
            # Projects that others depend on are destroyed last.
            for stack in reversed(meant):
                lock = locks.get(stack.state_key)
                if lock is None or not is_tenanted(policy, lock.stack):
                    continue
                first = stack.env not in begun
                await self.destroy(writer, lock, repo, by=by, cause=cause, comment_id=comment_id, start=first)
                begun.add(stack.env)
                leaving.append(lock.stack)
        for key in queues:
            await self._show_queue(key)
        return tuple(leaving)

    async def after_change(self, run_id: RunId) -> None:
        """Deploy the next project after an apply; after a destroy, start the next in the queue."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is not None and run.kind is RunKind.APPLY and run.status in TERMINAL:
                if run.status is RunStatus.SUCCEEDED:
                    await project_rollout.start_next_plan(writer, run)
                else:
                    await project_rollout.skip_rest(writer, run, self.clock.now())
        if run is not None and run.kind is RunKind.DESTROY and run.status is RunStatus.SUCCEEDED:
            await self.start_next_in_queue(run.stack.state_key)

    async def start_next_in_queue(self, key: StateKey) -> None:
        """Start the next pull request in the queue of a free state; drop those that cannot use it."""
        while True:
            async with self.records.read() as reader:
                line = await reader.waiting(state_key=key)
                lock = await reader.lock(line[0].stack) if line else None
            if not line or lock is not None:
                break
            if not await self._start(line[0]):
                async with self.records.write() as writer:
                    await writer.stop_waiting(repo=line[0].stack.repo, pull=line[0].pull, state_key=key)
        await self._show_queue(key)

    # --- Parts ------------------------------------------------------------------------------------------

    async def _claim(self, writer: Writer, new: NewRun, *, start: bool = True) -> bool:
        """Record a plan with the claim, and start it or leave it to the one before; False if known."""
        run = await writer.add_run(new, self.clock.now())
        if run is None or new.pull is None:
            return False
        before = await writer.lock(run.stack)
        lock = Lock(
            stack=run.stack,
            pull=new.pull,
            holder=run.actor,
            run_id=run.id,
            since=before.since if before else self.clock.now(),
            reason="it is applied there until that pull request is closed",
        )
        if before is None:
            await locking.take(writer, lock, cause=run.correlation_id)
        else:
            await writer.release_lock(run.stack)
            await writer.take_lock(lock)
        await writer.stop_waiting(repo=run.stack.repo, pull=new.pull, state_key=run.stack.state_key)
        if start:
            await writer.enqueue(job_of(run))
        return True

    async def destroy(
        self,
        writer: Writer,
        lock: Lock,
        repo: Repo,
        *,
        by: Account,
        cause: str,
        comment_id: int | None = None,
        start: bool = True,
    ) -> None:
        """Record the destroy of a lease with the claim, and start it or leave it to another run."""
        stack = lock.stack
        why = Cause(
            installation_id=repo.installation_id,
            actor=by,
            correlation_id=cause,
            pull=lock.pull,
            comment_id=comment_id,
        )
        now, key = self.clock.now(), f"destroy:{cause}:{stack.project}:{stack.env}"
        new = new_run(why, now, RunKind.DESTROY, stack, dedupe_key=key)
        if await writer.add_run(new, now) is not None:
            await writer.release_lock(stack)
            await writer.take_lock(replace(lock, run_id=new.id))
            if start:
                await writer.enqueue(job_of(new))

    async def _start(self, next_one: Waiting) -> bool:
        """Plan for the next in the queue; False if its pull request cannot use the environment."""
        stack = next_one.stack
        try:
            repo, pull = await self.github.subject(stack.repo, next_one.pull)
        except NotServedError:
            return False
        if not pull.is_open or pull.draft:
            return False
        trigger = Trigger(
            repo=repo,
            pull=pull,
            actor=next_one.actor,
            comment_id=None,
            asked_at=self.clock.now(),
            correlation_id=f"next:{next_one.sequence}",
        )
        run = trigger.run(self.clock.now(), RunKind.PLAN, stack)
        async with self.records.write() as writer:
            if await writer.lock(stack) is not None:
                return True
            return await self._claim(writer, run)

    async def _show_queue(self, key: StateKey) -> None:
        """Update the comment of every pull request in the queue with holder and place."""
        async with self.records.read() as reader:
            line = await reader.waiting(state_key=key)
            lock = await reader.lock(line[0].stack) if line else None
        for place, one in enumerate(line, start=1):
            body = queue_comment(QueueView(stack=one.stack, place=place, length=len(line), lock=lock))
            comment = sticky_key(one.pull, one.stack.project, one.stack.env)
            async with self.records.read() as reader:
                # A plan has replaced that comment: this is another wait.
                folded = await reader.remote_id(one.stack.repo, folded_key(comment))
            with suppress(NotServedError):
                repo = await self.github.known_repository(one.stack.repo)
                await self.poster.sticky(repo, one.pull, comment, body, below=folded)

    async def _may_exist(self, stack: Stack, pull: int) -> bool:
        async with self.records.read() as reader:
            return may_exist(await _changes(reader, stack, pull))


def is_tenanted(policy: RepoPolicy, stack: Stack) -> bool:
    """Whether the stack's environment is leased to pull requests."""
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle != "permanent"


async def _changes(reader: Reader, stack: Stack, pull: int) -> Sequence[Run]:
    return await reader.runs(repo=stack.repo, pull=pull, state_key=stack.state_key, kinds=LEASE_CHANGES)


def _is_by(lock: Lock, repo: Repo, pull: int) -> bool:
    return (lock.stack.repo, lock.pull) == (repo.full_name, pull)
