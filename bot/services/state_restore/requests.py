"""Request a restore: check permission and obstacles, and queue the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.core.model import Run, RunKind, Stack
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates.lock_sentences import how_to_unlock, locked_sentence
from bot.domain.plans.plan import Lock
from bot.domain.state.restore import Restore
from bot.ports import Clock, Records, Writer
from bot.ports.records.restores import KeptStates, StateObjects
from bot.services.merging.syncing import is_waiting
from bot.services.runs.credentials import Credentials
from bot.services.runs.new_runs import queue_run
from bot.services.runs.requests import Trigger
from bot.services.stacks import locking
from bot.services.stacks.states import terraform_locked
from bot.services.state_restore.proposals import Proposal, RestoreProposals


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """Looks with the key pair of a plan, and queues."""

    records: Records
    objects: StateObjects
    kept: KeptStates
    proposals: RestoreProposals
    credentials: Credentials
    clock: Clock

    async def look(self, stack: Stack, serial: int) -> Proposal | Refusal:
        """Describe the result of restoring a serial now."""
        async with self.objects.open(self.credentials.backend(stack, purpose="plan")) as state:
            stored = await state.read()
        return await self.proposals.propose(stack, serial, stored)

    async def is_repeated(self, trigger: Trigger) -> bool:
        """Whether this very command was queued before, and is carried out again after a crash."""
        async with self.records.read() as reader:
            runs = await reader.runs(
                repo=trigger.repo.full_name, pull=trigger.pull.number, kinds=(RunKind.RESTORE,)
            )
        return any(run.correlation_id == trigger.correlation_id for run in runs)

    async def request(self, trigger: Trigger, proposal: Proposal) -> Refusal | None:
        """Lock the stack and queue the run; returns a refusal if something blocks it."""
        stack, repo = proposal.stack, trigger.repo.full_name
        holder = await self.kept.lock_holder(stack.state_key)
        if holder is not None:
            return terraform_locked(stack, holder)
        now = self.clock.now()
        async with self.records.write() as writer:
            lock = await writer.lock(stack)
            if lock is not None and (lock.stack.repo, lock.pull) != (repo, trigger.pull.number):
                return Refusal(
                    reason=Reason.LOCKED,
                    sentence=locked_sentence(lock, repo=repo),
                    next_command=how_to_unlock(lock, repo=repo),
                )
            busy = await _busy(writer, stack, lock)
            if busy:
                return _is_busy(stack, busy)
            run = await queue_run(writer, trigger.run(now, RunKind.RESTORE, stack), now)
            if run is None:
                return None
            wanted = Lock(
                stack=stack,
                pull=trigger.pull.number,
                holder=trigger.actor,
                run_id=run.id,
                since=now,
                reason="its state is being restored",
            )
            await locking.take(writer, wanted, cause=trigger.correlation_id)
            restore = Restore(
                run_id=run.id,
                stack=stack,
                pull=trigger.pull.number,
                serial=proposal.source.identity.serial or 0,
                source_key=str(proposal.source.object_key),
                confirmed=proposal.comparison.count,
                asked_by=trigger.actor,
                asked_at=trigger.asked_at,
            )
            await writer.add_restore(restore)
        return None


async def _busy(writer: Writer, stack: Stack, lock: Lock | None) -> Sequence[Run]:
    """Return the runs that do or will do something.

    One that only waits for the lock does nothing before.
    """
    runs = await writer.runs(state_key=stack.state_key, statuses=ACTIVE)
    return [run for run in runs if not (run.kind is RunKind.SYNC and is_waiting(run, lock))]


def _is_busy(stack: Stack, runs: Sequence[Run]) -> Refusal:
    named = ", ".join(f"{run.kind} `{run.id}`" for run in runs[:3])
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"Something is at work on {stack.label}: {named}. Restore when that has ended.",
        next_command=f"/cancel {runs[0].id}" if runs[0].kind is RunKind.PLAN else "/status",
    )
