"""Execute a restore: snapshot the current object, then write once, conditionally.

The bot writes the object itself, under Terraform's lock, and only over the version that it has read. `state
push` cannot do this (tested with Terraform 1.11.4): it fails if the state does not parse, with or without
`-force`; if there is no object, it creates a new lineage with serial 1, so that old plans might match again;
and it increments the serial, so that it could not be verified later whether the bytes are ours.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bot.domain.core.accounts import SELF
from bot.domain.core.errors import GatewrightError, ObjectExistsError
from bot.domain.core.model import FailureClass, Run, RunId, RunStatus, Stack, StateIdentity
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.retries import Retries
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.state.known_objects import with_serial
from bot.domain.state.restore import Restore, as_detail
from bot.ports import Clock, Records, Workspace
from bot.ports.records.restores import StateLock, StateObject, StateObjects, Stored
from bot.services.freezes.restore_freezes import RESTORED
from bot.services.runs.credentials import Credentials
from bot.services.runs.retrying import persist
from bot.services.runs.run_completion import Ending, RunCompletion
from bot.services.runs.run_execution import execute
from bot.services.stacks import locking
from bot.services.stacks.state_owners import StateOwners
from bot.services.stacks.states import Snapshots, terraform_locked, unreadable
from bot.services.state_restore.proposals import (
    Proposal,
    RestoreProposals,
    identity_of,
    restore_command,
)

_NAMESPACE: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRuns:
    """Runs of kind `restore`."""

    records: Records
    workspace: Workspace
    objects: StateObjects
    snapshots: Snapshots
    proposals: RestoreProposals
    owners: StateOwners
    credentials: Credentials
    completion: RunCompletion
    clock: Clock
    retries: Retries = field(default_factory=Retries)

    async def execute(self, run_id: RunId) -> None:
        """Restore, and record how it ended.

        One whose intent is on record is never written a second time.
        """
        await execute(self.completion, run_id, self._restore, why="taking Terraform's lock")

    async def _restore(self, run: Run) -> None:
        if run.intent_at is None:
            await self.owners.claim(run.stack)
        ending = await self._under_lock(run, await self._wanted(run.id))
        await self.completion.end(
            run, ending.status, ending.failure, ending.summary, ending.detail, retries=self.retries
        )

    async def release_lock(self, run_id: RunId) -> Stack | None:
        """Release the stack if it was locked only for the restore; returns it if it is free.

        Terraform's lock is released first: a run that failed after every retry, or was canceled after a
        crash, leaves it behind.
        """
        await self._unlock(run_id)
        async with self.records.write() as writer:
            run = await writer.run(run_id)
            if run is None or run.status not in TERMINAL:
                return None
            lock = await writer.lock(run.stack)
            if lock is not None and lock.run_id != run.id:
                return None
            if lock is not None:
                why, at = "the restore of its state has ended", self.clock.now()
                await locking.release(writer, lock, by=run.actor, why=why, at=at, cause=run.correlation_id)
        return run.stack

    async def _unlock(self, run_id: RunId) -> None:
        async with self.records.read() as reader:
            run, restore = await reader.run(run_id), await reader.restore(run_id)
        if run is None or restore is None or run.status not in TERMINAL:
            return
        async with self.objects.open(self.credentials.backend(run.stack, purpose="apply")) as state:
            await state.unlock(_lock(run, restore))

    async def _wanted(self, run_id: RunId) -> Restore:
        async with self.records.read() as reader:
            restore = await reader.restore(run_id)
        if restore is None:
            raise GatewrightError(f"run {run_id} has nothing to restore")
        return restore

    async def _under_lock(self, run: Run, restore: Restore) -> Ending:
        """Restore, or explain what an earlier process did, under every lock of the state."""
        backend = self.credentials.backend(run.stack, purpose="apply")
        async with (
            self.workspace.state_lock(run.stack.state_key, exclusive=True),
            self.objects.open(backend) as state,
        ):
            lock = _lock(run, restore)
            holder = await state.lock(lock)
            if holder is not None and run.intent_at is None:
                return _refused(terraform_locked(run.stack, holder))
            try:
                if run.intent_at is not None:
                    return await self._explained(run, restore, await state.read())
                return await self._restored(run, restore, state)
            finally:
                # Before the end is recorded: a run that has ended is never taken up again to free it.
                await persist(self.retries, f"the lock of {run.stack.state_key}", lambda: state.unlock(lock))

    async def _restored(self, run: Run, restore: Restore, state: StateObject) -> Ending:
        before = await state.read()
        proposal = await self.proposals.propose(run.stack, restore.serial, before)
        if isinstance(proposal, Refusal):
            return _refused(proposal)
        if (proposal.comparison.count, proposal.source.object_key) != (restore.confirmed, restore.source_key):
            return _moved_on(proposal, restore)
        found = await self._keep(run, "before", before)
        data = await asyncio.to_thread(with_serial, proposal.data, proposal.serial)
        log = self.completion.logs.open(run.id)
        log.write(f"What is there was kept (serial {found.serial}, sha256 {found.sha256}).")
        log.write(f"Writing {restore.source_key} as serial {proposal.serial}.")
        written = replace(restore, written_serial=proposal.serial, written_sha256=unreadable(data).sha256)
        async with self.records.write() as writer:
            await writer.set_restore(written)
            await writer.record_intent(run.id, self.clock.now())
            await writer.move_run(
                run.id, RunStatus.RUNNING, at=self.clock.now(), actor=SELF, why="writing the state"
            )
        try:
            await state.write(data, over=before)
        except ObjectExistsError:
            return _refused(_moved(proposal))
        after = Stored(data=data, tag=None)
        await persist(
            self.retries, f"the snapshot after run {run.id}", lambda: self._keep(run, "after", after)
        )
        detail = {
            **as_detail(proposal.comparison),
            "serial": restore.serial,
            "serial_before": found.serial,
            "found": str(proposal.found),
        }
        return _succeeded(detail, written)

    async def _explained(self, run: Run, restore: Restore, now: Stored) -> Ending:
        """Whether the current state is the one that a lost process was about to write."""
        identity = await self._keep(run, "after", now)
        async with self.records.read() as reader:
            versions = await reader.state_versions(run.stack.state_key)
        before = next((each for each in versions if (each.run_id, each.moment) == (run.id, "before")), None)
        detail: dict[str, Any] = {
            "problem": "interrupted",
            "serial": restore.serial,
            "serial_before": None if before is None else before.identity.serial,
            "serial_after": identity.serial,
        }
        if identity.sha256 == restore.written_sha256:
            return _succeeded({**detail, "problem": None, "resumed": True}, restore)
        same = before is not None and before.identity.sha256 == identity.sha256
        summary = (
            "The server was interrupted before the state was written: it is what it was."
            if same
            else "The server was interrupted, and the state is neither what it was nor what was to be restored."
        )
        return Ending(
            status=RunStatus.INTERRUPTED,
            failure=FailureClass.EXECUTOR,
            summary=summary,
            detail={**detail, "state": "not_changed" if same else "changed"},
        )

    async def _keep(self, run: Run, moment: str, stored: Stored) -> StateIdentity:
        """Store the current object, readable or not, and record it; returns its identity."""
        identity = await asyncio.to_thread(identity_of, stored)
        await self.snapshots.record(run, moment, run.head_sha, identity=identity, data=stored.data)
        return identity


def _lock(run: Run, restore: Restore) -> StateLock:
    return StateLock(
        id=str(uuid.uuid5(_NAMESPACE, f"gatewright:restore:{run.id}")),
        who=f"{restore.asked_by} by gatewright run {run.id}",
        created=run.created_at,
    )


def _succeeded(detail: dict[str, Any], restore: Restore) -> Ending:
    return Ending(
        status=RunStatus.SUCCEEDED,
        failure=None,
        summary=f"Serial {restore.serial} was restored and written as serial {restore.written_serial}.",
        detail={**detail, "state": RESTORED, "serial_after": restore.written_serial},
    )


def _refused(refusal: Refusal) -> Ending:
    shut = {
        "gate": "restore",
        "reason": str(refusal.reason),
        "sentence": refusal.sentence,
        "opens_with": refusal.next_command,
    }
    return Ending(
        status=RunStatus.FAILED,
        failure=FailureClass.STATE,
        summary=refusal.sentence,
        detail={"problem": "refused", "refusals": [shut]},
    )


def _moved_on(proposal: Proposal, restore: Restore) -> Ending:
    count = proposal.comparison.count
    return _refused(
        Refusal(
            reason=Reason.UNCONFIRMED,
            sentence=(
                f"The state has changed since: restoring serial {restore.serial} would now make {count}, and"
                f" {restore.confirmed} was confirmed."
            ),
            next_command=restore_command(proposal.stack, restore.serial),
        )
    )


def _moved(proposal: Proposal) -> Refusal:
    return Refusal(
        reason=Reason.STATE_MOVED,
        sentence=f"The state of {proposal.stack.label} was written by another process at the same time; nothing was restored.",
        next_command=restore_command(proposal.stack, proposal.source.identity.serial),
    )
