"""Asking for a restore: who may, what is in its way, and the run that carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import Run, RunKind, Stack
from bot.domain.plan import Lock
from bot.domain.refusals import Reason, Refusal
from bot.domain.restore import Restore
from bot.ports import Clock, Records, Writer
from bot.ports.restores import KeptStates, StateObjects
from bot.services import locking
from bot.services.following import job_of
from bot.services.jobs import Credentials
from bot.services.requesting import ACTIVE, Wish, new_run
from bot.services.restore_proposals import Proposal, RestoreProposals
from bot.services.syncing import is_waiting


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
        """Say what restoring a serial would mean now."""
        async with self.objects.open(self.credentials.backend(stack, purpose="plan")) as state:
            stored = await state.read()
        return await self.proposals.propose(stack, serial, stored)

    async def is_repeated(self, wish: Wish) -> bool:
        """Whether this very command was queued before, and is carried out again after a crash."""
        async with self.records.read() as reader:
            runs = await reader.runs(
                repo=wish.repo.full_name, pull=wish.pull.number, kinds=(RunKind.RESTORE,)
            )
        return any(run.correlation_id == wish.correlation_id for run in runs)

    async def request(self, wish: Wish, proposal: Proposal) -> Refusal | None:
        """Hold the stack and queue the run; returns what is in its way."""
        stack, repo = proposal.stack, wish.repo.full_name
        holder = await self.kept.lock_holder(stack.state_key)
        if holder is not None:
            return terraform_locked(stack, holder)
        now = self.clock.now()
        async with self.records.write() as writer:
            lock = await writer.lock(stack)
            if lock is not None and (lock.stack.repo, lock.pull) != (repo, wish.pull.number):
                return Refusal(
                    reason=Reason.LOCKED,
                    sentence=held_sentence(lock, repo=repo),
                    next_command=opener(lock, repo=repo),
                )
            busy = await _busy(writer, stack, lock)
            if busy:
                return _is_busy(stack, busy)
            run = await writer.add_run(new_run(wish, now, RunKind.RESTORE, stack), now)
            if run is None:
                return None
            wanted = Lock(
                stack=stack,
                pull=wish.pull.number,
                holder=wish.actor,
                run_id=run.id,
                since=now,
                reason="its state is being restored",
            )
            await locking.take(writer, wanted, cause=wish.correlation_id)
            restore = Restore(
                run_id=run.id,
                stack=stack,
                pull=wish.pull.number,
                serial=proposal.source.identity.serial or 0,
                source_key=str(proposal.source.object_key),
                confirmed=proposal.comparison.count,
                asked_by=wish.actor,
                asked_at=wish.asked_at,
            )
            await writer.add_restore(restore)
            await writer.enqueue(job_of(run))
        return None


def terraform_locked(stack: Stack, holder: str) -> Refusal:
    """Refuse while some Terraform, an orphaned one too, may still write the state."""
    return Refusal(
        reason=Reason.LOCKED,
        sentence=f"Terraform's own lock of {stack.label} is held by {holder}.",
        next_command="wait for its end; where no Terraform runs any more, an operator releases the lock",
    )


async def _busy(writer: Writer, stack: Stack, lock: Lock | None) -> Sequence[Run]:
    """Return the runs that do or will do something; one that only waits for the lock does nothing before."""
    runs = await writer.runs(state_key=stack.state_key, statuses=ACTIVE)
    return [run for run in runs if not (run.kind is RunKind.SYNC and is_waiting(run, lock))]


def _is_busy(stack: Stack, runs: Sequence[Run]) -> Refusal:
    named = ", ".join(f"{run.kind} `{run.id}`" for run in runs[:3])
    return Refusal(
        reason=Reason.ALREADY_RUNNING,
        sentence=f"Something is at work on {stack.label}: {named}. Restore when that has ended.",
        next_command=f"/cancel {runs[0].id}" if runs[0].kind is RunKind.PLAN else "/status",
    )
