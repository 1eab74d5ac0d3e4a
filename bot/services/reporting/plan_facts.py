"""What the comments of plans show beside the plans themselves."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bot.comments.markdown.words import Step
from bot.comments.runs.revert import RevertView
from bot.domain.core.errors import GatewrightError, PolicyError
from bot.domain.core.model import PlanStatus, PullRequest, Repo, Stack
from bot.domain.gates import GateResult
from bot.domain.plans.plan import Lock, PlanRecord
from bot.ports import GitHub, Reader, Records
from bot.services.gates.judging import Judging
from bot.services.reporting.next_steps import after_plan
from bot.services.stacks.policies import Policies

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """Judges the gates of plans and chooses the commands to offer."""

    records: Records
    github: GitHub
    policies: Policies
    judging: Judging

    async def gates(self, repo: Repo, plan: PlanRecord, pull: PullRequest | None) -> tuple[GateResult, ...]:
        """Judge the gates of a plan that can be applied; empty if they cannot be judged."""
        if plan.pull is None or plan.status is not PlanStatus.PLANNED:
            return ()
        try:
            recent = await self.policies.recent(repo)
            known = recent.policy.digest == plan.policy_digest
            loaded = recent if known else await self.policies.load(repo)
            async with self.records.read() as reader:
                holds = await reader.holds(repo=repo.full_name, env=plan.stack.env)
            if not loaded.policy.environment(plan.stack.env).apply.gates and not holds:
                return ()
            # Gates are judged by the current policy; the cached one may be older.
            if known:
                loaded = await self.policies.load(repo)
            pull = pull or await self.github.pull(repo, plan.pull)
            return await self.judging.preview(repo, pull, loaded, plan)
        except GatewrightError as error:
            # A comment without gates is better than none.
            _LOG.warning(
                "the gates of plan %s could not be judged for its comment: %s",
                plan.id,
                error,
                exc_info=not error.temporary,
            )
            return ()

    async def next_steps(self, repo: Repo, plan: PlanRecord, held: Lock | None) -> tuple[Step, ...]:
        """Return the commands to offer; empty if the usual ones fit."""
        try:
            policy = (await self.policies.recent(repo)).policy
            return after_plan(plan, policy.environment(plan.stack.env), held)
        except PolicyError:
            return ()

    async def is_tenanted(self, repo: Repo, stack: Stack) -> bool:
        """Whether the environment exists only as long as a pull request."""
        return await is_tenanted(self.policies, repo, stack)


async def is_tenanted(policies: Policies, repo: Repo, stack: Stack) -> bool:
    """Whether the environment exists only as long as a pull request."""
    try:
        return (await policies.recent(repo)).policy.environment(stack.env).lifecycle != "permanent"
    except PolicyError:
        return False


async def revert_view(reader: Reader, plan: PlanRecord) -> RevertView | None:
    """Return what the plan of a revert undoes; None for any other plan."""
    revert = None if plan.reverts_to is None else await reader.revert_of(plan.id)
    if revert is None:
        return None
    undone = [await reader.release(plan_id) for plan_id in revert.undone]
    return RevertView(
        revert=revert,
        target=await reader.release(revert.target),
        undone=[release for release in undone if release is not None],
    )


def foreign(lock: Lock | None, stack: Stack, pull: int | None) -> Lock | None:
    """Return the lock if another pull request has it."""
    # Repositories may share a state, so the number of the pull request alone is not enough.
    is_ours = lock is None or (lock.stack.repo, lock.pull) == (stack.repo, pull)
    return None if is_ours else lock
