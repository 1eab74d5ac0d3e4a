"""GitHub Deployments mirror every apply, so that GitHub's own pages show what is where."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Repo, Run, RunStatus
from bot.ports import GitHub, Records
from bot.services.jobs import Links
from bot.services.posting import ANNOUNCED

_STATES = {
    RunStatus.SUCCEEDED: ("success", "Applied."),
    RunStatus.FAILED: ("failure", "The apply failed."),
    RunStatus.CANCELED: ("failure", "The apply was canceled."),
    RunStatus.TIMED_OUT: ("failure", "The apply took too long."),
    RunStatus.INTERRUPTED: ("error", "The apply was interrupted."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """One deployment per apply that was really started."""

    github: GitHub
    records: Records
    links: Links

    async def started(self, repo: Repo, run: Run) -> None:
        """Create the deployment of an apply, once."""
        if run.head_sha is None:
            return
        async with self.records.read() as reader:
            made = await reader.remote_id(repo.full_name, _key(run))
        if not made:
            async with self.records.write() as writer:
                await writer.set_remote_id(repo.full_name, _key(run), ANNOUNCED)
            description = f"Plan {run.plan_id} of #{run.pull}, run {run.id}"
            made = await self.github.create_deployment(
                repo, run.head_sha, run.stack.label, description, in_doubt=made == ANNOUNCED
            )
            async with self.records.write() as writer:
                await writer.set_remote_id(repo.full_name, _key(run), made)
        await self.github.set_deployment_status(
            repo, made, "in_progress", "Terraform is running.", self.links.run(run.id)
        )

    async def ended(self, repo: Repo, run: Run) -> None:
        """Record how it ended; nothing when the start could not be shown."""
        async with self.records.read() as reader:
            made = await reader.remote_id(repo.full_name, _key(run))
        if made and run.status in _STATES:
            state, words = _STATES[run.status]
            await self.github.set_deployment_status(repo, made, state, words, self.links.run(run.id))

    async def gone(self, repo: Repo, run: Run) -> None:
        """Record that what an apply deployed was destroyed."""
        async with self.records.read() as reader:
            made = await reader.remote_id(repo.full_name, _key(run))
        if made is not None:
            await self.github.set_deployment_status(
                repo, made, "inactive", "Destroyed.", self.links.run(run.id)
            )


def _key(run: Run) -> str:
    return f"deployment:{run.id}"
