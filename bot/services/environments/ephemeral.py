"""Ephemeral environments: applied, verified and destroyed for one commit.

They are leased to pull requests (see `bot.services.environments.leases`) and, in addition, destroyed as soon
as no run uses them, whatever its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import PolicyError
from bot.domain.core.model import Run, RunId, RunKind, Stack
from bot.domain.core.run_kinds import EPHEMERAL_USES, LEASE_CHANGES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.environments.leases import may_exist
from bot.domain.plans.plan import Lock
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Reader, Records, Writer
from bot.services.environments.leases import EnvironmentLeases
from bot.services.stacks import locking
from bot.services.stacks.policies import Policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Ephemeral:
    """Destroys ephemeral environments after their last run."""

    records: Records
    github: GitHub
    policies: Policies
    leases: EnvironmentLeases
    clock: Clock

    async def after(self, run_id: RunId) -> None:
        """Destroy an ephemeral environment after its last run has ended; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None or run.kind not in EPHEMERAL_USES or run.status not in TERMINAL:
            return
        try:
            policy = (await self.policies.known(run.stack.repo)).policy
        except PolicyError:
            # The reaper checks all leased environments later, see `bot.services.environments.reaper`.
            return
        if is_ephemeral(policy, run.stack):
            await self.destroy_leased(run)

    async def destroy_leased(self, run: Run) -> None:
        """Destroy what the run's pull request leases, unless a run is still active there."""
        repo = await self.github.repository(run.stack.repo)
        async with self.records.write() as writer:
            locks = [
                lock
                for lock in await writer.locks(repo=repo.full_name, pull=run.pull)
                if lock.stack.env == run.stack.env
            ]
            if await _is_at_work(writer, run, locks):
                return
            standing = []
            for lock in reversed(locks):
                if may_exist(await _changes(writer, lock)):
                    standing.append(lock)
                else:
                    await locking.release(
                        writer,
                        lock,
                        by=SELF,
                        why="nothing was applied there",
                        at=self.clock.now(),
                        cause=run.correlation_id,
                    )
            for place, lock in enumerate(standing):
                await self.leases.destroy(
                    writer, lock, repo, by=SELF, cause=f"over:{lock.run_id}", start=place == 0
                )
        for lock in locks:
            if lock not in standing:
                await self.leases.start_next_in_queue(lock.stack.state_key)


def is_ephemeral(policy: RepoPolicy, stack: Stack) -> bool:
    """Whether the stack's environment is destroyed after its last run."""
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle == "ephemeral"


async def _is_at_work(reader: Reader, run: Run, locks: Sequence[Lock]) -> bool:
    """Whether a run of the pull request is active there, or about to be queued."""
    claims = {lock.run_id for lock in locks}
    runs = await reader.runs(repo=run.stack.repo, pull=run.pull, limit=200)
    applied = {other.plan_id for other in runs if other.kind is RunKind.APPLY}
    for other in runs:
        if other.stack.env != run.stack.env:
            continue
        # What is left is planned after a failed apply, and shown before it is destroyed.
        if other.status not in TERMINAL:
            return True
        if other.id in claims and other.kind is RunKind.DESTROY:
            return True
        if other.id in claims and other.id != run.id and other.plan_id not in applied:
            plan = await reader.plan(other.plan_id) if other.plan_id else None
            if plan is not None and plan.has_changes:
                return True
    return False


async def _changes(writer: Writer, lock: Lock) -> Sequence[Run]:
    return await writer.runs(
        repo=lock.stack.repo, pull=lock.pull, state_key=lock.stack.state_key, kinds=LEASE_CHANGES
    )
