"""Mirrors every apply as a GitHub Deployment."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.domain.core.errors import NotGrantedError
from bot.domain.core.model import Repo, Run, RunStatus, Sha
from bot.ports import GitHub, Records
from bot.services.reporting.posting import ANNOUNCED
from bot.services.runs.links import Links

_LOG = logging.getLogger(__name__)

_STATES = {
    RunStatus.SUCCEEDED: ("success", "Applied."),
    RunStatus.FAILED: ("failure", "The apply failed."),
    RunStatus.CANCELED: ("failure", "The apply was canceled."),
    RunStatus.TIMED_OUT: ("failure", "The apply took too long."),
    RunStatus.INTERRUPTED: ("error", "The apply was interrupted."),
}
_RUNNING = ("in_progress", "Terraform is running.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """Writes one deployment for each apply that has started."""

    github: GitHub
    records: Records
    links: Links

    async def show(self, repo: Repo, run: Run) -> None:
        """Create the deployment of an apply, once, and record its status."""
        # Without an intent, Terraform was not started; a state operation deploys nothing.
        if run.head_sha is None or run.intent_at is None or run.operation is not None:
            return
        try:
            await self._shown(repo, run, run.head_sha)
        except NotGrantedError as error:
            _not_shown(run, error)

    async def _shown(self, repo: Repo, run: Run, head: Sha) -> None:
        ended, over = f"{_key(run)}:ended", run.status in _STATES
        async with self.records.read() as reader:
            if over and await reader.remote_id(repo.full_name, ended):
                return
        made = await self._made(repo, run, head)
        state, words = _STATES.get(run.status, _RUNNING)
        await self.github.set_deployment_status(repo, made, state, words, self.links.run(run.id))
        if over:
            async with self.records.write() as writer:
                await writer.set_remote_id(repo.full_name, ended, made)

    async def _made(self, repo: Repo, run: Run, head: Sha) -> int:
        async with self.records.read() as reader:
            made = await reader.remote_id(repo.full_name, _key(run))
        if not made:
            # If this process crashes before the id is recorded, the next attempt looks for the deployment.
            async with self.records.write() as writer:
                await writer.set_remote_id(repo.full_name, _key(run), ANNOUNCED)
            description = f"Plan {run.plan_id} of #{run.pull}, run {run.id}"
            made = await self.github.create_deployment(
                repo, head, run.stack.label, description, in_doubt=made == ANNOUNCED
            )
            async with self.records.write() as writer:
                await writer.set_remote_id(repo.full_name, _key(run), made)
        return made

    async def gone(self, repo: Repo, run: Run) -> None:
        """Record that the deployment of an apply was destroyed."""
        async with self.records.read() as reader:
            made = await reader.remote_id(repo.full_name, _key(run))
        if made:
            try:
                await self.github.set_deployment_status(
                    repo, made, "inactive", "Destroyed.", self.links.run(run.id)
                )
            except NotGrantedError as error:
                _not_shown(run, error)


def _not_shown(run: Run, error: NotGrantedError) -> None:
    # The permission is optional: the pull request's comments report the apply without it.
    _LOG.warning("run %s has no deployment on GitHub: %s", run.id, error)


def _key(run: Run) -> str:
    return f"deployment:{run.id}"
