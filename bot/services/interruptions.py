"""What is known of a change whose process was lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from bot.domain.model import FailureClass, Run, RunStatus, StateKey
from bot.ports import Records, Workspace
from bot.services.endings import Endings
from bot.services.rescues import Rescues
from bot.services.states import Snapshots

_LOOK_SECONDS: Final = 1.0
"""Between looks at Terraform's lock, each of which is a request to the object store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruptions:
    """Explains changes that are never started a second time."""

    records: Records
    workspace: Workspace
    snapshots: Snapshots
    endings: Endings
    rescues: Rescues
    patience: float
    """Seconds in which a Terraform that still runs on another machine may end; this machine's has no limit."""

    async def explain(self, run: Run) -> None:
        """Compare the state with its snapshot and record it; waits until an orphaned Terraform has ended."""
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True):
            async with self.records.read() as reader:
                versions = await reader.state_versions(run.stack.state_key)
                plan = await reader.plan(run.plan_id) if run.plan_id else None
            before = next((v for v in versions if v.run_id == run.id and v.moment == "before"), None)
            # A Terraform that could not save its state has ended, and its lock stays until somebody recovers it.
            ended = bool(await self.rescues.waiting((run.stack,)))
            holder = await self._holder(run.stack.state_key, patience=0 if ended else self.patience)
            after = await self.snapshots.take(run, "after", run.head_sha)
            kept = await self.rescues.waiting((run.stack,))
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
        await self.endings.end(run, RunStatus.INTERRUPTED, FailureClass.EXECUTOR, summary, detail, plan=plan)

    async def _holder(self, key: StateKey, *, patience: float) -> str | None:
        """Return who holds Terraform's lock although it could have ended meanwhile.

        The file lock of this machine says nothing of an orphan on another one; Terraform's own lock does, but it
        stays for ever when the machine itself was lost.
        """
        deadline = asyncio.get_running_loop().time() + patience
        while holder := await self.snapshots.states.lock_holder(key):
            rest = deadline - asyncio.get_running_loop().time()
            if rest <= 0:
                break
            await asyncio.sleep(min(rest, _LOOK_SECONDS))
        return holder
