"""When data is copied.

By the schedule of the policy, unless the environment is on hold or being changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from bot.domain.core.accounts import SELF
from bot.domain.core.model import EnvName, Repo, RunKind, Stack
from bot.domain.core.run_kinds import STATE_CHANGES
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.gates.freezes import Hold
from bot.policy import DataRefresh
from bot.ports import Clock, NewRun, Reader, Records
from bot.services.runs.new_runs import Cause, new_run, queue_run
from bot.services.runs.requests import Trigger
from bot.services.stacks.data_copies import refreshes, running_of_kind
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.states import States

PUT_OFF: Final = "put_off"
"""In the detail of a run that found its environment busy or on hold: it has not had its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshTurns:
    """Queues due refreshes; one that is blocked is tried in the next round."""

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

    async def request(self, trigger: Trigger, loaded: LoadedPolicy, env: EnvName) -> str | None:
        """Queue the requested refresh; returns what blocks it, as `obstacle` does."""
        refresh = loaded.policy.refresh_of(env)
        if refresh is None:
            return "the policy asks for it no more"
        stack, now = loaded.policy.stack(trigger.repo.full_name, env, refresh.project), self.clock.now()
        async with self.records.read() as reader:
            before = await refreshes(reader, stack)
            if before and before[0].status not in TERMINAL and before[0].comment_id != trigger.comment_id:
                return f"run {before[0].id} copies it already"
            obstacle = await self.obstacle(reader, stack)
        if obstacle is None:
            asked = trigger.run(now, RunKind.DATA_REFRESH, stack)
            # The command of the default branch is run, whatever pull request it was requested on.
            await self._queue(replace(asked, head_sha=loaded.commit, base_sha=loaded.commit))
        return obstacle

    async def obstacle(self, reader: Reader, stack: Stack) -> str | None:
        """Return why an environment's data cannot be replaced now, without full stop."""
        holds = await reader.holds(repo=stack.repo, env=stack.env)
        if holds:
            return _held(holds[0], stack.env)
        busy = await running_of_kind(reader, stack, STATE_CHANGES)
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
        cause = Cause(
            installation_id=repo.installation_id,
            actor=SELF,
            correlation_id=f"schedule:{now.isoformat()}",
            head_sha=loaded.commit,
            base_sha=loaded.commit,
            policy_digest=loaded.policy.digest,
        )
        # Another worker that looks at the same moment makes the very same run.
        key = f"data_refresh:{stack.repo}:{stack.state_key}:{before[0].id if before else 'first'}"
        await self._queue(new_run(cause, now, RunKind.DATA_REFRESH, stack, dedupe_key=key))

    async def _queue(self, new: NewRun) -> None:
        async with self.records.write() as writer:
            await queue_run(writer, new, self.clock.now())


def _held(hold: Hold, env: EnvName) -> str:
    what = "Everything is stopped" if hold.env is None else f"{env} is on hold"
    return f"{what}: {hold.reason.rstrip('. ')} (by {hold.by})"
