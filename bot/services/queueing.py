"""The checks of GitHub's merge queue, on the commit that the queue would merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.checks import CheckText
from bot.comments.merge_queue import QueueRow, queue_apply_check, queue_plan_check
from bot.domain.errors import GatewrightError
from bot.domain.model import Repo, Sha
from bot.policy import RepoPolicy
from bot.ports import Check, GitHub, Records
from bot.services.checks import APPLY, PLAN
from bot.services.posting import show_check
from bot.services.stacks import MergedTree, Trees, inputs_digest, touched_stacks
from bot.services.unfinished import is_still_there


@dataclass(frozen=True, slots=True, kw_only=True)
class Queueing:
    """A group may be merged when what `merge_requires` names is in place exactly as the group would leave it."""

    github: GitHub
    records: Records
    trees: Trees

    async def answer(
        self, repo: Repo, policy: RepoPolicy | None, *, branch: str, base: Sha, head: Sha
    ) -> MergedTree | None:
        """Create the two checks that all have; without a valid policy, or when the group cannot be read, they fail.

        Returns what the group would merge, None where it cannot be read.
        """
        tree: MergedTree | None = None
        rows: Sequence[QueueRow] | None = None
        if policy is not None:
            try:
                tree = await self.trees.moved(repo, branch, before=base, after=head)
                rows = await self._rows(repo, policy, tree)
            except GatewrightError as error:
                if error.passing:
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
            external_id=f"group:{head}",
        )
        await show_check(self.github, self.records, repo, f"check:group:{head}:{name}", check)

    async def _rows(self, repo: Repo, policy: RepoPolicy, tree: MergedTree) -> list[QueueRow]:
        stacks = tuple(stack for stack in policy.stacks(repo.full_name) if stack.env in policy.merge_requires)
        rows = []
        for stack in touched_stacks(policy, stacks, tree):
            async with self.records.read() as reader:
                last = next(iter(await reader.releases(stack, limit=1)), None)
                lasts = last is not None and await is_still_there(reader, stack, last)
            wanted = (inputs_digest(policy, stack, tree), tree.files.get(stack.var_file or ""))
            there = last is not None and lasts and (last.inputs_digest, last.var_file_digest) == wanted
            rows.append(QueueRow(stack=stack, is_there=there, release=last.plan_id if last else None))
        return rows
