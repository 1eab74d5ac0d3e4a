"""Plans that a push to their base has overtaken."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.errors import WorkspaceError
from bot.domain.core.model import Repo, Sha, Stack
from bot.domain.environments.waits import Wait, WaitReason
from bot.policy import RepoPolicy
from bot.ports import Clock, GitHub, Records
from bot.services.reporting.plan_comments import PlanComments
from bot.services.stacks import locking
from bot.services.stacks.touched import Trees, touched_stacks


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePushes:
    """Marks any number of plans stale immediately, and updates their comments in batches."""

    records: Records
    github: GitHub
    trees: Trees
    plan_comments: PlanComments
    clock: Clock

    async def base_moved(
        self, repo: Repo, policy: RepoPolicy, *, branch: str, before: Sha, after: Sha
    ) -> int:
        """Mark the open plans whose inputs the commits touch; returns how many those are."""
        stacks = await self._touched(repo, policy, branch, before, after)
        pulls = [each.number for each in await self.github.open_pulls(repo) if each.base_ref == branch]
        if not stacks or not pulls:
            return 0
        why = f"{branch} moved on to {after[:7]}, which changes what this was planned from"
        now = self.clock.now()
        async with self.records.write() as writer:
            await locking.lock_rows(writer, stacks)
            found = await writer.outdate(stacks, pulls=pulls, why=why, unless_base=after)
            for each in found:
                await writer.mark_unshown(repo.full_name, each.pull, each.plan, now)
                lock = await writer.lock(each.stack)
                if lock is not None and lock.pull != each.pull:
                    wait = Wait(stack=each.stack, pull=each.pull, reason=WaitReason.STALE, since=now)
                    await writer.add_wait(wait)
        await self.plan_comments.show(repo.full_name)
        return len(found)

    async def _touched(
        self, repo: Repo, policy: RepoPolicy, branch: str, before: Sha, after: Sha
    ) -> tuple[Stack, ...]:
        stacks = policy.stacks(repo.full_name)
        try:
            tree = await self.trees.moved(repo, branch, before=before, after=after)
        except WorkspaceError:
            return stacks  # History was rewritten: what it changed is unknown, so nothing is trusted.
        return touched_stacks(policy, stacks, tree)
