"""After a revert: is everything back, how long did it take, and is it written down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId, RunStatus
from bot.domain.plans.plan_json import summarise
from bot.domain.releases.release import Release
from bot.ports import Records, SourceBundle
from bot.services.planning.planning import Planning
from bot.services.runs.tree_runs import plan_tree
from bot.services.stacks.releases import Sources
from bot.services.verification.verifying import Verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertChecks:
    """Looks in the same turn of the state in which the revert was applied.

    It changes nothing and may be repeated.
    """

    records: Records
    planning: Planning
    sources: Sources
    verifying: Verifying

    async def after(self, run_id: RunId) -> None:
        """Verify, plan again and compare the outputs after a revert, and record the results."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
            if run is None or run.plan_id is None or run.status is not RunStatus.SUCCEEDED:
                return
            revert = await reader.revert_of(run.plan_id)
            release = await reader.release(run.plan_id)
            target = None if revert is None else await reader.release(revert.target)
        if revert is None or release is None or revert.finished_at is not None:
            return
        await self.verifying.after(run_id)
        found = await self._planned_again(run, release)
        if target is not None:
            found["outputs"] = differing(release, target)
        ended = replace(revert, finished_at=self.planning.clock.now(), found=found)
        async with self.records.write() as writer:
            await writer.set_revert(ended)

    async def _planned_again(self, run: Run, release: Release) -> dict[str, Any]:
        try:
            changes = await self._has_changes(run, release)
        except GatewrightError as error:
            if error.temporary:
                raise
            return {"replan": "failed", "problem": str(error).split("\n", 1)[0][:300]}
        return {"replan": "changes" if changes else "empty"}

    async def _has_changes(self, run: Run, release: Release) -> bool:
        planning, stack = self.planning, release.stack
        repo = await planning.github.repository(stack.repo)
        policy = (await planning.policies.load(repo)).policy
        source = await self.sources.fetch(release)
        redactor = planning.credentials.redactor(stack.env)
        async with planning.workspace.slot(stack) as slot:
            reviewed = SourceBundle(data=source)
            laid = await planning.workspace.lay_out(slot, reviewed)
            job = await planning.jobs.build(run, stack, policy, slot, redactor, purpose="plan")
            # Its text is not kept: it is not known yet which of its values are secret.
            quiet = replace(job, on_line=_discard)
            output, _ = await plan_tree(planning.workspace, planning.terraform, quiet, reviewed, laid)
        summary = await asyncio.to_thread(
            summarise, output.json, output.text, arguments=(), warnings=output.warnings, redact=redactor
        )
        return summary.has_changes


def differing(release: Release, target: Release) -> list[str]:
    """Return the names of the outputs whose digests are not those of the target, sorted."""
    names = {*release.outputs, *target.outputs}
    return sorted(name for name in names if release.outputs.get(name) != target.outputs.get(name))


def _discard(_line: str) -> None:
    """Take a line of Terraform's output and keep nothing of it."""
