"""Environments that live as long as their pull request: who holds them, who waits, when they are destroyed.

The lock of a state says who holds the environment, and its `run_id` which run of the holder claimed it last: a plan
that still has the claim when it has ended is applied by itself, and a destroy that still has it frees the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from bot.comments.tenancy import QueueView, queue_comment
from bot.domain.errors import NotServedError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import EnvName, Login, Repo, Run, RunId, RunKind, RunStatus, Stack, StateKey
from bot.domain.plan import Lock
from bot.domain.tenancy import CHANGES, is_standing
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, NewRun, Reader, Records, Writer
from bot.ports.environment_queue import Waiting
from bot.services import locking, rollout
from bot.services.following import following, job_of
from bot.services.ids import new_run_id
from bot.services.posting import Poster, sticky_key
from bot.services.requesting import Wish, new_run
from bot.services.state_owners import StateOwners


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """Gives environments to pull requests, one at a time, and takes them back by destroying them."""

    records: Records
    github: GitHub
    poster: Poster
    owners: StateOwners
    clock: Clock

    # --- Coming -----------------------------------------------------------------------------------------

    async def deploy(self, wish: Wish, stacks: Sequence[Stack]) -> None:
        """Plan each stack to apply it, one after the other; where another pull request holds the state, queue for it.

        All or none are recorded: a repetition could not know behind which one the rest is to wait.
        """
        begun: set[EnvName] = set()
        queued: list[StateKey] = []
        async with self.records.write() as writer:
            await locking.hold(writer, stacks)
            foreign = await self.owners.foreign(writer, stacks)
            for stack in stacks:
                if stack in foreign:
                    # Nobody waits for what belongs to others: the run says whose it is, and takes nothing.
                    await self._plan_only(writer, wish, stack)
                    continue
                held = await writer.lock(stack)
                if held is not None and not _is_by(held, wish.repo, wish.pull.number):
                    await writer.wait_for(stack, wish.pull.number, wish.actor, self.clock.now())
                    queued.append(stack.state_key)
                    continue
                run = new_run(wish, self.clock.now(), RunKind.PLAN, stack)
                if await self._claim(writer, run, start=stack.env not in begun):
                    begun.add(stack.env)
        for key in queued:
            await self._show_queue(key)

    async def _plan_only(self, writer: Writer, wish: Wish, stack: Stack) -> None:
        run = await writer.add_run(new_run(wish, self.clock.now(), RunKind.PLAN, stack), self.clock.now())
        if run is not None:
            await writer.enqueue(job_of(run))

    async def after_plan(self, run_id: RunId) -> None:
        """Apply a plan that was made for it; free what was claimed for nothing. Repeating it does nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            lock = await reader.lock(run.stack) if run is not None else None
        # Only `deploy` gives a plan the claim, so nobody else's plan is applied here.
        if run is None or lock is None or lock.run_id != run.id or run.status not in TERMINAL:
            return
        if run.status is RunStatus.SUCCEEDED:
            await self._apply(run)
            return
        async with self.records.write() as writer:
            await rollout.stop(writer, run, self.clock.now())
        if not await self._is_standing(run.stack, lock.pull):
            async with self.records.write() as writer:
                now = await writer.lock(run.stack)
                if now is not None and now.run_id == run.id:
                    why, at = "it could not be planned", self.clock.now()
                    await locking.give(writer, now, by=run.actor, why=why, at=at, cause=run.correlation_id)
            await self.hand_on(run.stack.state_key)

    async def _apply(self, run: Run) -> None:
        async with self.records.write() as writer:
            plan = await writer.plan(run.plan_id) if run.plan_id else None
            if plan is None or not plan.has_changes:
                await rollout.go_on(writer, run)
                return
            apply = following(
                run, self.clock.now(), kind=RunKind.APPLY, plan_id=plan.id, dedupe_key=f"deploy:{run.id}"
            )
            added = await writer.add_run(apply, self.clock.now())
            if added is not None:
                await writer.enqueue(job_of(added))

    # --- Going ------------------------------------------------------------------------------------------

    async def leave(
        self,
        repo: Repo,
        pull: int,
        policy: RepoPolicy,
        *,
        by: Login,
        cause: str,
        comment_id: int | None = None,
        only: Sequence[Stack] = (),
    ) -> tuple[Stack, ...]:
        """Destroy what the pull request holds of such environments, and leave the queues; returns what is destroyed.

        `cause` makes a repetition the same wish. Without `only` everything is given up.
        """
        leaving = []
        meant = only or policy.stacks(repo.full_name, pull=pull)
        async with self.records.write() as writer:
            await locking.hold(writer, [stack for stack in meant if is_tenanted(policy, stack)])
            queues = {one.stack.state_key for one in await writer.waiting(repo=repo.full_name, pull=pull)}
            if not only:
                await writer.stop_waiting(repo=repo.full_name, pull=pull)
            locks = {
                lock.stack.state_key: lock for lock in await writer.locks(repo=repo.full_name, pull=pull)
            }
            begun: set[EnvName] = set()
            # What others depend on goes last.
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
        """Deploy the next project after an apply; give a state to the next in line when a destroy has freed it."""
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is not None and run.kind is RunKind.APPLY and run.status in TERMINAL:
                if run.status is RunStatus.SUCCEEDED:
                    await rollout.go_on(writer, run)
                else:
                    await rollout.stop(writer, run, self.clock.now())
        if run is not None and run.kind is RunKind.DESTROY and run.status is RunStatus.SUCCEEDED:
            await self.hand_on(run.stack.state_key)

    async def hand_on(self, key: StateKey) -> None:
        """Start the next pull request in line where a state is free; those that cannot use it drop out."""
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
        """Record a plan and let it have the claim, and start it or leave that to the one before it; False when known."""
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
        by: Login,
        cause: str,
        comment_id: int | None = None,
        start: bool = True,
    ) -> None:
        """Record the destroy of what a lock holds, and let it have the claim; start it, or leave that to another."""
        stack = lock.stack
        new = NewRun(
            id=new_run_id(self.clock.now()),
            kind=RunKind.DESTROY,
            stack=stack,
            installation_id=repo.installation_id,
            pull=lock.pull,
            head_sha=None,
            base_sha=None,
            actor=by,
            comment_id=comment_id,
            plan_id=None,
            arguments=(),
            policy_digest=None,
            correlation_id=cause,
            dedupe_key=f"destroy:{cause}:{stack.project}:{stack.env}",
        )
        if await writer.add_run(new, self.clock.now()) is not None:
            await writer.release_lock(stack)
            await writer.take_lock(replace(lock, run_id=new.id))
            if start:
                await writer.enqueue(job_of(new))

    async def _start(self, next_one: Waiting) -> bool:
        """Plan for the next in line; False when its pull request cannot use the environment any more."""
        stack = next_one.stack
        try:
            repo, pull = await self.github.subject(stack.repo, next_one.pull)
        except NotServedError:
            return False
        if not pull.is_open or pull.draft:
            return False
        wish = Wish(
            repo=repo,
            pull=pull,
            actor=next_one.actor,
            comment_id=None,
            asked_at=self.clock.now(),
            correlation_id=f"next:{next_one.sequence}",
        )
        run = new_run(wish, self.clock.now(), RunKind.PLAN, stack)
        async with self.records.write() as writer:
            if await writer.lock(stack) is not None:
                return True
            return await self._claim(writer, run)

    async def _show_queue(self, key: StateKey) -> None:
        """Tell everybody in line who holds the state and which place they have."""
        async with self.records.read() as reader:
            line = await reader.waiting(state_key=key)
            lock = await reader.lock(line[0].stack) if line else None
        for place, one in enumerate(line, start=1):
            body = queue_comment(QueueView(stack=one.stack, place=place, length=len(line), lock=lock))
            with suppress(NotServedError):
                repo = await self.github.known_repository(one.stack.repo)
                await self.poster.sticky(
                    repo, one.pull, sticky_key(one.pull, one.stack.project, one.stack.env), body
                )

    async def _is_standing(self, stack: Stack, pull: int) -> bool:
        async with self.records.read() as reader:
            return is_standing(await _changes(reader, stack, pull))


def is_tenanted(policy: RepoPolicy, stack: Stack) -> bool:
    """Whether pull requests have the stack's environment one after the other, and it is destroyed in between."""
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle != "permanent"


async def _changes(reader: Reader, stack: Stack, pull: int) -> Sequence[Run]:
    return await reader.runs(repo=stack.repo, pull=pull, state_key=stack.state_key, kinds=CHANGES)


def _is_by(lock: Lock, repo: Repo, pull: int) -> bool:
    return (lock.stack.repo, lock.pull) == (repo.full_name, pull)
