"""What people do to a run from its page: cancel it, take its artifacts. Every right is asked of GitHub anew."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.domain.errors import ObjectMissingError, PolicyError
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Login, Permission, Repo, Run, RunId
from bot.domain.refusals import Reason, Refusal
from bot.ports import Cipher, Clock, Download, GitHub, ObjectStore, Records
from bot.services.access import Access
from bot.services.people import People, Standing
from bot.services.policies import Policies
from bot.services.requesting import cancel_run

NEEDED_TO_CANCEL = Permission.WRITE
"""As for `/cancel`."""
NOT_THEIRS = "This is for who asked for the run, the owners of its environment and administrators."


async def cancel_one(
    records: Records, clock: Clock, run_id: RunId, *, repo: str, pull: int | None, by: Login
) -> Refusal | None:
    """Ask one run of a pull request to end; returns why that cannot be."""
    async with records.write() as writer:
        run = await writer.run(run_id)
        if run is None or run.stack.repo != repo or run.pull != pull:
            return _missing(f"There is no run {run_id} on this pull request.")
        if run.status in TERMINAL:
            return _missing(f"Run {run_id} has ended already: {run.status}.")
        await cancel_run(writer, run, by, clock.now())
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunActs:
    """Acts of somebody who is known to be allowed to see the run."""

    records: Records
    github: GitHub
    access: Access
    policies: Policies
    people: People
    artifacts: ObjectStore
    cipher: Cipher
    clock: Clock

    async def cancel(self, run: Run, login: Login) -> Refusal | None:
        """Do what `/cancel RUN` does."""
        held = await self.access.permission(_repo(run), login)
        if not held.allows(NEEDED_TO_CANCEL):
            return Refusal(
                reason=Reason.PERMISSION,
                sentence=f"Cancelling needs {NEEDED_TO_CANCEL} access to {run.stack.repo}.",
            )
        if not await self.may_cancel(run, login):
            return Refusal(reason=Reason.PERMISSION, sentence=NOT_THEIRS)
        return await cancel_one(
            self.records, self.clock, run.id, repo=run.stack.repo, pull=run.pull, by=login
        )

    async def may_cancel(self, run: Run, login: Login) -> bool:
        """Whether the user may do what `/cancel RUN` does: it may end an apply in the middle."""
        held = await self.access.permission(_repo(run), login)
        if not held.allows(NEEDED_TO_CANCEL):
            return False
        if run.actor.lower() == login.lower() or held.allows(Permission.ADMIN):
            return True
        repo = await self.github.repository(run.stack.repo)
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return False  # Nobody knows who else may.
        return Standing.OWNER in await self.people.standing(repo, loaded, (run.stack,), login)

    async def may_download(self, run: Run, login: Login) -> bool:
        """Whether the user may apply to the run's environment, or owns its code and may write."""
        repo = await self.github.repository(run.stack.repo)
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return False  # Nobody knows who may, so nobody does.
        if run.stack.env not in loaded.policy.environments:
            return False
        env = loaded.policy.environment(run.stack.env)
        if await self.access.may_apply(repo, env, login):
            return True
        return Standing.OWNER in await self.people.standing(repo, loaded, (run.stack,), login)

    async def download(self, run: Run, name: str, login: Login) -> bytes | Refusal:
        """Return an artifact in the clear; who asked is recorded first, whether or not it is handed out."""
        async with self.records.read() as reader:
            known = await reader.artifacts(run.id)
        found = next((artifact for artifact in known if artifact.name == name), None)
        if found is None:
            return _missing(f"Run {run.id} has no artifact {name}.")
        allowed = await self.may_download(run, login)
        asked = Download(run_id=run.id, name=name, login=login, at=self.clock.now(), allowed=allowed)
        async with self.records.write() as writer:
            await writer.add_download(asked)
        if not allowed:
            return Refusal(
                reason=Reason.PERMISSION,
                sentence=(
                    f"{name} of {run.stack.env} is for those who may apply to {run.stack.env}"
                    " and for its code owners. That you asked was recorded."
                ),
            )
        try:
            sealed = await self.artifacts.get(found.object_key)
        except ObjectMissingError:
            return _missing(f"{name} is not kept any more.")
        return await asyncio.to_thread(self.cipher.open, sealed, context=found.object_key)


def _repo(run: Run) -> Repo:
    owner, _, name = run.stack.repo.partition("/")
    return Repo(owner=owner, name=name, installation_id=run.installation_id)


def _missing(sentence: str) -> Refusal:
    return Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command="/status")
