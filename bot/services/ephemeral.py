"""Environments that are put up, looked at and destroyed again for one commit.

They are given to pull requests as those that live as long as a pull request are, see `bot.services.tenancy`; what
is added here is that they are given back as soon as nothing is at work in them, however it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.errors import PolicyError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Login, Run, RunId, RunKind, Stack
from bot.domain.plan import Lock
from bot.domain.tenancy import CHANGES, is_standing
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Reader, Records, Writer
from bot.services import locking
from bot.services.policies import Policies
from bot.services.tenancy import Tenancy

_NOBODY = Login("gatewright")
_WORK = (RunKind.PLAN, RunKind.APPLY, RunKind.VERIFY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ephemeral:
    """Ends what was begun."""

    records: Records
    github: GitHub
    policies: Policies
    tenancy: Tenancy
    clock: Clock

    async def after(self, run_id: RunId) -> None:
        """Give an ephemeral environment back when the last of its runs has ended. Repeating it does nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None or run.kind not in _WORK or run.status not in TERMINAL:
            return
        try:
            policy = (await self.policies.known(run.stack.repo)).policy
        except PolicyError:
            # Whoever holds it is looked after again and again, see `bot.services.caretaking`.
            return
        if is_ephemeral(policy, run.stack):
            await self.give_back(run)

    async def give_back(self, run: Run) -> None:
        """Destroy what the run's pull request holds of the environment, unless something is still at work there."""
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
                if is_standing(await _changes(writer, lock)):
                    standing.append(lock)
                else:
                    await locking.give(
                        writer,
                        lock,
                        by=_NOBODY,
                        why="nothing was applied there",
                        at=self.clock.now(),
                        cause=run.correlation_id,
                    )
            for place, lock in enumerate(standing):
                await self.tenancy.destroy(
                    writer, lock, repo, by=_NOBODY, cause=f"over:{lock.run_id}", start=place == 0
                )
        for lock in locks:
            if lock not in standing:
                await self.tenancy.hand_on(lock.stack.state_key)


def is_ephemeral(policy: RepoPolicy, stack: Stack) -> bool:
    """Whether the stack's environment is given back at once."""
    return stack.env in policy.environments and policy.environment(stack.env).lifecycle == "ephemeral"


async def _is_at_work(reader: Reader, run: Run, locks: Sequence[Lock]) -> bool:
    """Whether a run of the pull request has not ended there, or another process is about to queue one."""
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
        repo=lock.stack.repo, pull=lock.pull, state_key=lock.stack.state_key, kinds=CHANGES
    )
