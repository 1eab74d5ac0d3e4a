"""Read the records of a repository's environments for their page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, Stack
from bot.domain.core.run_lifecycle import ACTIVE
from bot.domain.gates.freezes import Hold
from bot.domain.plans.plan import Lock
from bot.domain.releases.drift_checks import how_many
from bot.domain.releases.release import Release, Verification
from bot.policy import EnvironmentPolicy, RepoPolicy
from bot.ports import Clock, Reader, Records, StateVersion
from bot.ports.records.parity import Comparison
from bot.services.stacks.data_copies import refreshes
from bot.services.stacks.drift_checks import newest_check
from bot.services.stacks.policies import Policies

_MOST_STACKS = 60
"""On one page, since each is read separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """A pull request that waits for a stack."""

    pull: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StackView:
    """One stack and its current records."""

    stack: Stack
    env: EnvironmentPolicy
    closed: str | None = None
    """Why the policy's calendar closes it now."""
    holds: Sequence[Hold] = ()
    lock: Lock | None = None
    waiting: Sequence[Waiter] = ()
    """In their order."""
    active: Sequence[Run] = ()
    applied: StateVersion | None = None
    """The state after the last good apply."""
    release: Release | None = None
    """The newest one."""
    verification: Verification | None = None
    """The newest one of that release."""
    drift: Run | None = None
    """The newest check that ended well."""
    refresh: Run | None = None
    """The newest copying of data."""
    comparisons: Sequence[Comparison] = ()

    @property
    def is_refreshed(self) -> bool:
        """Whether this stack's page shows the data refreshes of its environment."""
        wanted = self.env.data_refresh
        return self.refresh is not None or (wanted is not None and wanted.project == self.stack.project)

    @property
    def drifted(self) -> int:
        """How many resources the newest check found changed."""
        return 0 if self.drift is None else how_many(self.drift)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoView:
    """The stacks of one repository, by environment in the order of the policy."""

    full_name: str
    stacks: Sequence[StackView] = ()
    local: Sequence[str] = ()
    """Environments on developers' machines, of which nothing is recorded."""
    environments: Sequence[str] = ()
    """Those that are run here, to choose from."""
    left_out: int = 0
    """Stacks that are not in `stacks`, because there are too many for one page."""
    problem: str | None = None
    """Why there are no stacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Reads records for display only."""

    records: Records
    policies: Policies
    clock: Clock

    async def of(self, full_name: str, *, env: str | None = None) -> RepoView:
        """Return the current state of a repository's environments, or of one of them."""
        try:
            policy = (await self.policies.known(full_name)).policy
        except GatewrightError as error:
            return RepoView(full_name=full_name, problem=str(error))
        async with self.records.read() as reader:
            held = {lock.stack.state_key: lock for lock in await reader.locks(repo=full_name)}
            compared = await reader.comparisons(full_name)
            stacks = [
                stack for stack in _stacks(full_name, policy, held.values()) if env in {None, stack.env}
            ]
            views = [
                await self._view(reader, stack, policy, held.get(stack.state_key), compared)
                for stack in stacks[:_MOST_STACKS]
            ]
        local = [name for name in policy.environments if policy.environment(name).trigger == "local"]
        return RepoView(
            full_name=full_name,
            stacks=views,
            local=local,
            environments=[name for name in policy.environments if name not in local],
            left_out=len(stacks) - len(views),
        )

    async def _view(
        self,
        reader: Reader,
        stack: Stack,
        policy: RepoPolicy,
        lock: Lock | None,
        compared: Sequence[Comparison],
    ) -> StackView:
        env = policy.environment(stack.env)
        releases = await reader.releases(stack, limit=1)
        release = releases[0] if releases else None
        made = [] if release is None else await reader.verifications(stack, release=release.plan_id, limit=1)
        copied = await refreshes(reader, stack)
        return StackView(
            stack=stack,
            env=env,
            closed=env.closed_reason(self.clock.now()),
            holds=await reader.holds(repo=stack.repo, env=stack.env),
            lock=lock,
            waiting=await _waiting(reader, stack),
            active=await reader.runs(repo=stack.repo, state_key=stack.state_key, statuses=ACTIVE, limit=10),
            applied=await reader.last_applied(stack.state_key),
            release=release,
            verification=made[0] if made else None,
            drift=await newest_check(reader, stack),
            refresh=copied[0] if copied else None,
            comparisons=[
                each
                for each in compared
                if each.project == stack.project and stack.env in {each.env, each.twin}
            ],
        )


def _stacks(full_name: str, policy: RepoPolicy, locks: Iterable[Lock]) -> list[Stack]:
    """Return the policy's stacks, and locked ones of single pull requests."""
    lasting = policy.stacks(full_name)
    keys = {stack.state_key for stack in lasting}
    own = [lock.stack for lock in locks if lock.stack.state_key not in keys]
    order = list(policy.environments)
    known = [stack for stack in (*lasting, *own) if stack.env in order]
    remote = [stack for stack in known if policy.environment(stack.env).trigger != "local"]
    return sorted(remote, key=lambda stack: order.index(stack.env))


async def _waiting(reader: Reader, stack: Stack) -> list[Waiter]:
    """Return the pull requests that wait for a stack, or for its environment."""
    line = [
        Waiter(pull=each.pull, since=each.since)
        for each in await reader.waiting(state_key=stack.state_key)
        if each.stack.repo == stack.repo
    ]
    others = [
        Waiter(pull=each.pull, since=each.since)
        for each in await reader.waits(stack.state_key)
        if each.stack.repo == stack.repo
    ]
    return [*line, *others]
