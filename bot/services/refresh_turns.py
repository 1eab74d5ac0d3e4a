"""When data is copied: by the schedule of the policy, unless the environment is on hold or being changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.holds import Hold
from bot.domain.lifecycle import TERMINAL
from bot.domain.model import EnvName, Login, Repo, Run, RunKind, RunStatus, Stack
from bot.policy import DataRefresh
from bot.ports import Clock, NewRun, Reader, Records
from bot.services.following import job_of
from bot.services.ids import new_run_id
from bot.services.policies import LoadedPolicy
from bot.services.requesting import Wish, new_run
from bot.services.states import States

PUT_OFF: Final = "put_off"
"""In the detail of a run that found its environment busy or on hold: it has not had its turn."""
_NOBODY: Final = Login("gatewright")
_CHANGES: Final = (RunKind.APPLY, RunKind.DESTROY, RunKind.REVERT, RunKind.SYNC, RunKind.RESTORE)
_AT_WORK: Final = (RunStatus.PREPARING, RunStatus.RUNNING)
"""Whoever records this first and looks at the others then finds at least one of two that begin at once."""
_LOOKED_AT: Final = 20
"""Newest refreshes among which the last one that had its turn is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTurns:
    """Queues what is due; what cannot be done now is not queued, and asked for again at the next look."""

    records: Records
    states: States
    clock: Clock

    async def queue_due(self, repo: Repo, loaded: LoadedPolicy) -> None:
        """Queue the refreshes of a repository that are due by its policy."""
        for name in loaded.policy.environments:
            refresh = loaded.policy.environment(name).data_refresh
            if refresh is not None:
                stack = loaded.policy.stack(repo.full_name, name, refresh.project)
                await self._queue_if_due(repo, loaded, stack, refresh)

    async def request(self, wish: Wish, loaded: LoadedPolicy, env: EnvName) -> str | None:
        """Queue the refresh that somebody asked for; returns what is in its way, as `obstacle` does."""
        refresh = loaded.policy.refresh_of(env)
        if refresh is None:
            return "the policy asks for it no more"
        stack, now = loaded.policy.stack(wish.repo.full_name, env, refresh.project), self.clock.now()
        async with self.records.read() as reader:
            before = await refreshes(reader, stack)
            if before and before[0].status not in TERMINAL and before[0].comment_id != wish.comment_id:
                return f"run {before[0].id} copies it already"
            obstacle = await self.obstacle(reader, stack)
        if obstacle is None:
            asked = new_run(wish, now, RunKind.DATA_REFRESH, stack)
            # What is run is the default branch's, whichever pull request it was asked for on.
            await self._queue(replace(asked, head_sha=loaded.commit, base_sha=loaded.commit))
        return obstacle

    async def obstacle(self, reader: Reader, stack: Stack) -> str | None:
        """Return what keeps an environment's data from being replaced now, as a sentence without full stop."""
        holds = await reader.holds(repo=stack.repo, env=stack.env)
        if holds:
            return _held(holds[0], stack.env)
        busy = await _at_work(reader, stack, _CHANGES)
        if busy is not None:
            return f"{busy.stack.label} is being changed by run {busy.id}"
        holder = await self.states.lock_holder(stack.state_key)
        return None if holder is None else f"Terraform's lock of {stack.label} is held by {holder}"

    async def _queue_if_due(
        self, repo: Repo, loaded: LoadedPolicy, stack: Stack, refresh: DataRefresh
    ) -> None:
        now = self.clock.now()
        async with self.records.read() as reader:
            before = await refreshes(reader, stack)
            last = next((run for run in before if not run.detail.get(PUT_OFF)), None)
            if before and before[0].status not in TERMINAL:
                return
            if last is not None and last.created_at + refresh.every > now:
                return
            if await self.obstacle(reader, stack) is not None:
                return
        new = NewRun(
            id=new_run_id(now),
            kind=RunKind.DATA_REFRESH,
            stack=stack,
            installation_id=repo.installation_id,
            pull=None,
            head_sha=loaded.commit,
            base_sha=loaded.commit,
            actor=_NOBODY,
            comment_id=None,
            plan_id=None,
            arguments=(),
            policy_digest=loaded.policy.digest,
            correlation_id=f"schedule:{now.isoformat()}",
            # Whoever else looks at the same moment wants the very same run.
            dedupe_key=f"data_refresh:{stack.repo}:{stack.state_key}:{before[0].id if before else 'first'}",
        )
        await self._queue(new)

    async def _queue(self, new: NewRun) -> None:
        async with self.records.write() as writer:
            run = await writer.add_run(new, self.clock.now())
            if run is not None:
                await writer.enqueue(job_of(run))


async def copying(reader: Reader, stack: Stack) -> Run | None:
    """Return the run that copies data into the environment of a stack, on another stack of it.

    One on the same stack has its turn before or after a change of it, never beside it.
    """
    found = await _at_work(reader, stack, (RunKind.DATA_REFRESH,))
    return None if found is None or found.stack.state_key == stack.state_key else found


async def _at_work(reader: Reader, stack: Stack, kinds: Sequence[RunKind]) -> Run | None:
    runs = await reader.runs(repo=stack.repo, kinds=kinds, statuses=_AT_WORK)
    return next((run for run in runs if run.stack.env == stack.env), None)


async def refreshes(reader: Reader, stack: Stack) -> Sequence[Run]:
    """Return the newest refreshes of a stack, the newest first."""
    return await reader.runs(
        repo=stack.repo, state_key=stack.state_key, kinds=(RunKind.DATA_REFRESH,), limit=_LOOKED_AT
    )


def _held(hold: Hold, env: EnvName) -> str:
    what = "Everything is stopped" if hold.env is None else f"{env} is on hold"
    return f"{what}: {hold.reason.rstrip('. ')} (by {hold.by})"
