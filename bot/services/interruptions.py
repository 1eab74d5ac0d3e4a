"""What is known of a change whose process was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.model import FailureClass, Run, RunStatus
from bot.ports import Records, Workspace
from bot.services.endings import Endings
from bot.services.rescues import Rescues
from bot.services.states import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruptions:
    """Explains changes that are never started a second time."""

    records: Records
    workspace: Workspace
    snapshots: Snapshots
    endings: Endings
    rescues: Rescues

    async def explain(self, run: Run) -> None:
        """Compare the state with its snapshot and record it; waits until an orphaned Terraform has ended."""
        async with self.workspace.state_lock(run.stack.state_key, exclusive=True):
            async with self.records.read() as reader:
                versions = await reader.state_versions(run.stack.state_key)
                plan = await reader.plan(run.plan_id) if run.plan_id else None
            before = next((v for v in versions if v.run_id == run.id and v.moment == "before"), None)
            holder = await self.snapshots.states.lock_holder(run.stack.state_key)
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
