"""Telling how a revert ended, and what follows from it on GitHub."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Repo, Run, RunId, RunStatus, Stack
from bot.ports import Clock, GitHub, Records
from bot.services import locking
from bot.services.plan_comments import PlanComments
from bot.services.reporting import Reporting
from bot.services.revert_pulls import RevertPulls


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertReports:
    """Comment, checks and deployment of an ended revert; what a closed pull request held for it is given back."""

    records: Records
    github: GitHub
    reporting: Reporting
    plan_comments: PlanComments
    pulls: RevertPulls
    clock: Clock

    async def report(self, run_id: RunId) -> None:
        """Tell it. Repeating it tells nothing twice."""
        async with self.records.read() as reader:
            run = await reader.run(run_id)
        if run is None or run.pull is None:
            return
        repo = await self.github.known_repository(run.stack.repo)
        if run.status is RunStatus.SUCCEEDED:
            await self._give_back(repo, run, run.pull)
            await self._open(repo, run)
        await self.reporting.report_change(run_id)
        await self.plan_comments.refresh_environment(repo, run.stack.env)

    async def completed(self, run_id: RunId) -> Stack | None:
        """Do what follows from a revert that was cut off, and that a plan has found done; returns its stack.

        Called before that plan is told. None where the run planned no such revert.
        """
        async with self.records.read() as reader:
            run, revert = await reader.run(run_id), await reader.revert(run_id)
        if run is None or run.pull is None or revert is None or revert.finished_at is None:
            return None
        repo = await self.github.known_repository(run.stack.repo)
        await self._give_back(repo, run, run.pull)
        await self.pulls.open(repo, revert)
        return run.stack

    async def _open(self, repo: Repo, run: Run) -> None:
        async with self.records.read() as reader:
            revert = None if run.plan_id is None else await reader.revert_of(run.plan_id)
        if revert is not None:
            await self.pulls.open(repo, revert)

    async def _give_back(self, repo: Repo, run: Run, number: int) -> None:
        """Free the stack where the pull request is over: the hold protects it from now on."""
        if (await self.github.pull(repo, number)).is_open:
            return
        async with self.records.write() as writer:
            lock = await writer.lock(run.stack)
            if lock is not None and lock.pull == number and lock.stack.repo == run.stack.repo:
                why = "what its pull request had applied is reverted"
                await locking.give(
                    writer, lock, by=run.actor, why=why, at=self.clock.now(), cause=run.correlation_id
                )
