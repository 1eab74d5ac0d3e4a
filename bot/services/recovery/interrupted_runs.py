"""Find out how a change ended whose process was lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.core.model import FailureClass, Run, RunStatus, StateKey
from bot.ports import Records, Workspace
from bot.services.recovery.errored_states import ErroredStates
from bot.services.runs.run_completion import RunCompletion
from bot.services.stacks.states import Snapshots

_LOOK_SECONDS: Final = 1.0
"""Between looks at Terraform's lock, each of which is a request to the object store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedRuns:
    """Explains changes that are never started a second time."""

    records: Records
    workspace: Workspace
    snapshots: Snapshots
    completion: RunCompletion
    errored_states: ErroredStates
    patience: float
    """Seconds to wait for a Terraform process on another machine; on this one there is no limit."""

    async def explain(self, run: Run) -> None:
        """Compare the state with its snapshot and record it.

        Waits until an orphaned Terraform has ended.
        """
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True):
            async with self.records.read() as reader:
                versions = await reader.state_versions(run.stack.state_key)
                plan = await reader.plan(run.plan_id) if run.plan_id else None
            before = next((v for v in versions if v.run_id == run.id and v.moment == "before"), None)
            # A Terraform that could not save its state has ended, and its lock stays until a person recovers it.
            ended = bool(await self.errored_states.unrecovered((run.stack,)))
            holder = await self._holder(run.stack.state_key, patience=0 if ended else self.patience)
            after = await self.snapshots.take(run, "after", run.head_sha)
            kept = await self.errored_states.unrecovered((run.stack,))
        changed = before is not None and before.identity.sha256 != after.identity.sha256
        detail: dict[str, Any] = {
            "problem": "interrupted",
            "state": "locked" if holder else "changed" if changed else "not_changed",
            "lock_holder": holder,
            "serial_before": before.identity.serial if before else None,
            "serial_after": after.identity.serial,
            "changed": changed,
            "errored_state": bool(kept),
        }
        summary = "The server was interrupted while Terraform was applying."
        await self.completion.end(
            run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, summary, detail, plan=plan
        )

    async def _holder(self, key: StateKey, *, patience: float) -> str | None:
        """Return the holder of Terraform's lock, if it has outlived the time limit.

        The file lock of this machine does not cover a process on another one. Terraform's own lock does, but
        it stays forever if that machine was lost.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while holder := await self.snapshots.states.lock_holder(key):
            rest = deadline - asyncio.get_running_loop().time()
            if rest <= 0:
                break
            await asyncio.sleep(min(rest, _LOOK_SECONDS))
        return holder
