"""Cancel a run, and download its artifacts, from its page."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.accounts import Account
from bot.domain.core.errors import ObjectMissingError, PolicyError
from bot.domain.core.model import Permission, Repo, Run, RunId
from bot.domain.core.refusals import Reason, Refusal
from bot.domain.core.run_lifecycle import TERMINAL
from bot.ports import Clock, Download, GitHub, Records, SealedObjects
from bot.services.access.capacities import People, Standing
from bot.services.access.permissions import Access
from bot.services.runs.requests import cancel_run
from bot.services.stacks.policies import Policies

NEEDED_TO_CANCEL = Permission.WRITE
"""As for `/cancel`."""
NOT_THEIRS = "This is for the run's requester, the owners of its environment and administrators."


async def cancel_one(
    records: Records, clock: Clock, run_id: RunId, *, repo: str, pull: int | None, by: Account
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
    """Actions on a run that the person may read; each asks GitHub for the rights."""

    records: Records
    github: GitHub
    access: Access
    policies: Policies
    people: People
    artifacts: SealedObjects
    clock: Clock

    async def cancel(self, run: Run, account: Account) -> Refusal | None:
        """Do what `/cancel RUN` does."""
        held = await self.access.permission(_repo(run), account)
        if not held.allows(NEEDED_TO_CANCEL):
            return Refusal(
                reason=Reason.PERMISSION,
                sentence=f"Cancelling needs {NEEDED_TO_CANCEL} access to {run.stack.repo}.",
            )
        if not await self.may_cancel(run, account):
            return Refusal(reason=Reason.PERMISSION, sentence=NOT_THEIRS)
        return await cancel_one(
            self.records, self.clock, run.id, repo=run.stack.repo, pull=run.pull, by=account
        )

    async def may_cancel(self, run: Run, account: Account) -> bool:
        """Whether the user may do what `/cancel RUN` does: it may end an apply in the middle."""
        held = await self.access.permission(_repo(run), account)
        if not held.allows(NEEDED_TO_CANCEL):
            return False
        if run.actor.is_certainly(account) or held.allows(Permission.ADMIN):
            return True
        repo = await self.github.repository(run.stack.repo)
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return False  # Without a policy no owner is known.
        return Standing.OWNER in await self.people.standing(repo, loaded, (run.stack,), account)

    async def may_download(self, run: Run, account: Account) -> bool:
        """Whether the user may apply to the run's environment, or owns its code and may write."""
        repo = await self.github.repository(run.stack.repo)
        try:
            loaded = await self.policies.load(repo)
        except PolicyError:
            return False  # Without a policy it is not known who may.
        if run.stack.env not in loaded.policy.environments:
            return False
        env = loaded.policy.environment(run.stack.env)
        if await self.access.may_apply(repo, env, account):
            return True
        return Standing.OWNER in await self.people.standing(repo, loaded, (run.stack,), account)

    async def download(self, run: Run, name: str, account: Account) -> bytes | Refusal:
        """Return a decrypted artifact; each request is recorded first, a refused one too."""
        async with self.records.read() as reader:
            known = await reader.artifacts(run.id)
        found = next((artifact for artifact in known if artifact.name == name), None)
        if found is None:
            return _missing(f"Run {run.id} has no artifact {name}.")
        allowed = await self.may_download(run, account)
        asked = Download(run_id=run.id, name=name, by=account, at=self.clock.now(), allowed=allowed)
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
            return await self.artifacts.get(found.object_key)
        except ObjectMissingError:
            return _missing(f"{name} is not kept any more.")


def _repo(run: Run) -> Repo:
    owner, _, name = run.stack.repo.partition("/")
    return Repo(owner=owner, name=name, installation_id=run.installation_id)


def _missing(sentence: str) -> Refusal:
    return Refusal(reason=Reason.NOT_FOUND, sentence=sentence, next_command="/status")
