"""Jobs that write checks and deployments and fold comments.

Each renders from the records when it runs, and of several jobs about the same checks only the last one
writes.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pydantic

from bot.domain.core.errors import GitHubUnavailableError
from bot.domain.core.model import Run, RunId, Sha
from bot.domain.core.retries import Retries
from bot.domain.core.workflows import SHOW_CHECKS, SHOW_DEPLOYMENT, Workflow
from bot.ports import GitHub, Job, Records
from bot.services.reporting.deployments import Deployments
from bot.services.reporting.head_checks import Checks
from bot.services.reporting.posting import FOLDING
from bot.services.stacks.policies import Policies

_LOG = logging.getLogger(__name__)
_LARGEST_TOKEN: Final = 2**53
_UNAVAILABLE: Final = Retries(attempts=1000, longest_wait=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The argument of a job that updates the checks of a pull request's head."""

    repo: str
    pull: int
    head: Sha
    planning: bool
    token: int
    """Identifies this job among those about the same checks."""
    tries: int = 0
    """How often the job was postponed because GitHub was unavailable."""

    def key(self, *, planning: bool) -> str:
        """Return the key under which the token of the newest job is recorded."""
        return f"checks-due:{self.pull}:{self.head}:{'planning' if planning else 'all'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deployment:
    """The argument of a job that updates the deployment of a change."""

    run: RunId
    gone: bool
    """Whether it was destroyed."""


_HEAD: Final = pydantic.TypeAdapter(_Head)
_DEPLOYMENT: Final = pydantic.TypeAdapter(_Deployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """Queues and executes these jobs."""

    records: Records
    github: GitHub
    policies: Policies
    checks: Checks
    deployments: Deployments
    serves: Callable[[str], bool]
    """Whether the operator has listed a repository."""

    async def request_checks(self, repo: str, pull: int, head: Sha, *, planning: bool = False) -> None:
        """Queue an update of the checks of a head.

        `planning`: only a plan run was queued.
        """
        due = _Head(
            repo=repo, pull=pull, head=head, planning=planning, token=secrets.randbelow(_LARGEST_TOKEN)
        )
        async with self.records.write() as writer:
            # A job with `planning` may leave out the apply check, so it must not replace a job that writes both.
            for kind in (True,) if planning else (True, False):
                await writer.set_remote_id(repo, due.key(planning=kind), due.token)
            await writer.enqueue(_job_of_head(due))

    async def request_deployment(self, run: Run, *, gone: bool = False) -> None:
        """Queue an update of the deployment of a change."""
        due = _Deployment(run=run.id, gone=gone)
        async with self.records.write() as writer:
            about = f"{run.id}-{'gone' if gone else run.status}"
            # The statuses of a deployment must be written in order, so this job retries and is not queued again.
            await writer.enqueue(
                _job(SHOW_DEPLOYMENT, about, _DEPLOYMENT.dump_json(due), repo=run.stack.repo, pull=run.pull)
            )

    async def show_checks(self, argument: str) -> None:
        """Write the checks of a head, unless a later job will."""
        due = _HEAD.validate_json(argument)
        if not self.serves(due.repo):
            return
        async with self.records.read() as reader:
            newest = await reader.remote_id(due.repo, due.key(planning=due.planning))
        if newest != due.token:
            return
        try:
            repo = await self.github.known_repository(due.repo)
            policy = await self.policies.shown(repo)
            if policy is not None:
                await self.checks.refresh(repo, due.pull, due.head, policy, planning=due.planning)
        except GitHubUnavailableError as error:
            await self._postpone(replace(due, tries=due.tries + 1), error)

    async def show_deployment(self, argument: str) -> None:
        """Write the status of a change's deployment."""
        due = _DEPLOYMENT.validate_json(argument)
        async with self.records.read() as reader:
            run = await reader.run(due.run)
        if run is None or not self.serves(run.stack.repo):
            return
        repo = await self.github.known_repository(run.stack.repo)
        if due.gone:
            await self.deployments.gone(repo, run)
        else:
            await self.deployments.show(repo, run)

    async def _postpone(self, due: _Head, error: GitHubUnavailableError) -> None:
        """Queue the job again for later."""
        # A job that waits and retries would keep its place, and block the checks of other accounts.
        if due.tries >= _UNAVAILABLE.attempts:
            raise error
        job, wait = _job_of_head(due), _UNAVAILABLE.wait(due.tries, error)
        _LOG.warning("%s will be retried in %.0f s: %s", job.id, wait, error)
        async with self.records.write() as writer:
            await writer.enqueue(replace(job, delay=timedelta(seconds=wait)))

    async def fold_comment(self, argument: str) -> None:
        """Fold a comment that a newer one has replaced."""
        folding = FOLDING.validate_json(argument)
        if self.serves(folding.repo):
            repo = await self.github.known_repository(folding.repo)
            await self.github.minimize_comment(repo, folding.comment, node_id=folding.node_id)


def _job_of_head(due: _Head) -> Job:
    about = f"{due.token:x}-{due.tries}" if due.tries else f"{due.token:x}"
    return _job(SHOW_CHECKS, about, _HEAD.dump_json(due), repo=due.repo, pull=due.pull)


def _job(workflow: Workflow, about: str, argument: bytes, *, repo: str, pull: int | None) -> Job:
    return Job(
        workflow=workflow.name,
        id=f"{workflow.name}-{about}",
        argument=argument.decode(),
        queue=workflow.queue,
        partition=repo if pull is None else f"{repo}#{pull}",
    )
