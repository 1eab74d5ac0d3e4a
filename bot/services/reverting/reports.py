"""Telling how a revert ended, and what follows from it on GitHub."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.model import Repo, Run, RunId, RunStatus, Stack
from bot.ports import Clock, GitHub, Records
from bot.services.reporting.plan_comments import PlanComments
from bot.services.reporting.reports import Reporting
from bot.services.reverting.pull_requests import RevertPulls
from bot.services.stacks import locking


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertReports:
    """Reports an ended revert by comment, checks and deployment.

    A closed pull request releases its lock.
    """

    records: Records
    github: GitHub
    reporting: Reporting
    plan_comments: PlanComments
    pulls: RevertPulls
    clock: Clock

    async def report(self, run_id: RunId) -> None:
        """Report the revert; safe to repeat."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.status is RunStatus.SUCCEEDED:
            await self._release_lock(repo, run, run.pull)
            await self._open(repo, run)
        await self.reporting.report_change(run_id)
        await self.plan_comments.refresh_environment(repo, run.stack.env)

    async def completed(self, run_id: RunId) -> Stack | None:
        """Do what follows from a revert that was cut off, and that a plan has found done.

        Returns its stack.

        Called before that plan is reported. None where the run planned no such revert.
        """
        async with self.records.read() as reader:
            run, revert = await reader.run(run_id), await reader.revert(run_id)
        if run is None or run.pull is None or revert is None or revert.finished_at is None:
            return None
        repo = await self.github.known_repository(run.stack.repo)
        await self._release_lock(repo, run, run.pull)
        await self.pulls.open(repo, revert)
        return run.stack

    async def _open(self, repo: Repo, run: Run) -> None:
        async with self.records.read() as reader:
            revert = None if run.plan_id is None else await reader.revert_of(run.plan_id)
        if revert is not None:
            await self.pulls.open(repo, revert)

    async def _release_lock(self, repo: Repo, run: Run, number: int) -> None:
        """Release the stack of a closed pull request: the freeze protects it from now on."""
        if (await self.github.pull(repo, number)).is_open:
            return
        async with self.records.write() as writer:
            lock = await writer.lock(run.stack)
            if lock is not None and lock.pull == number and lock.stack.repo == run.stack.repo:
                why = "what its pull request had applied is reverted"
                await locking.release(
                    writer, lock, by=run.actor, why=why, at=self.clock.now(), cause=run.correlation_id
                )
