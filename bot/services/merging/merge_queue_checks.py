"""The checks of GitHub's merge queue, on the commit that the queue would merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.checks.checks import CheckText
from bot.comments.checks.merge_queue import QueueRow, queue_apply_check, queue_plan_check
from bot.domain.core.errors import CommitMissingError, GatewrightError
from bot.domain.core.model import Repo, Sha
from bot.policy import RepoPolicy
from bot.ports import Check, Records
from bot.services.reporting.check_runs import CheckedHead, CheckRuns
from bot.services.reporting.head_checks import APPLY, PLAN
from bot.services.runs.incomplete_changes import is_still_in_place
from bot.services.runs.links import Links
from bot.services.stacks.touched import MergedTree, Trees, inputs_digest, touched_stacks


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeQueueChecks:
    """Checks whether what `merge_requires` names is in place as a merge group would leave it."""

    records: Records
    trees: Trees
    checks: CheckRuns
    links: Links

    async def answer(
        self,
        repo: Repo,
        policy: RepoPolicy | None,
        *,
        branch: str,
        base: Sha,
        head: Sha,
        is_fresh: bool = False,
    ) -> MergedTree | None:
        """Create the plan and the apply check of a group; they fail without a valid policy.

        Returns the tree that the group would merge, None if it cannot be read. Raises CommitMissingError if
        the group is new (`is_fresh`): GitHub serves its commit soon, and a failed check removes the group
        from the queue.
        """
        tree: MergedTree | None = None
        rows: Sequence[QueueRow] | None = None
        if policy is not None:
            try:
                tree = await self.trees.moved(repo, branch, before=base, after=head)
                rows = await self._rows(repo, policy, tree)
            except GatewrightError as error:
                if error.temporary or (is_fresh and isinstance(error, CommitMissingError)):
                    raise
        for name, text in ((PLAN, queue_plan_check(rows)), (APPLY, queue_apply_check(rows))):
            await self.show(repo, head, name, text)
        return tree

    async def show(self, repo: Repo, head: Sha, name: str, text: CheckText) -> None:
        """Create or update one check of the group's commit."""
        check = Check(
            name=name,
            head_sha=head,
            conclusion=text.conclusion,
            title=text.title,
            summary=text.summary,
            details_url=self.links.runs(repo.full_name),
        )
        await self.checks.show(repo, CheckedHead(sha=head), check)

    async def _rows(self, repo: Repo, policy: RepoPolicy, tree: MergedTree) -> list[QueueRow]:
        stacks = tuple(stack for stack in policy.stacks(repo.full_name) if stack.env in policy.merge_requires)
        rows = []
        for stack in touched_stacks(policy, stacks, tree):
            async with self.records.read() as reader:
                last = next(iter(await reader.releases(stack, limit=1)), None)
                lasts = last is not None and await is_still_in_place(reader, stack, last)
            wanted = (inputs_digest(policy, stack, tree), tree.files.get(stack.var_file or ""))
            there = last is not None and lasts and (last.inputs_digest, last.var_file_digest) == wanted
            rows.append(QueueRow(stack=stack, is_there=there, release=last.plan_id if last else None))
        return rows
