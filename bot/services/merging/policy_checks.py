"""The check run of pull requests that change `gatewright.yaml`.

The policy in force stays that of the default branch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.checks.policy import REPAIRS, PolicyView, policy_check
from bot.domain.core.errors import CommitMissingError, GatewrightError, MergeConflictError, PolicyError
from bot.domain.core.model import PullRequest, Repo, Sha
from bot.domain.environments.policy_changes import NO_CHANGES
from bot.policy import RepoPolicy, load_policy
from bot.policy.changes import policy_changes
from bot.ports import Annotation, GitHub
from bot.services.reporting.head_checks import APPLY, PLAN, Checks
from bot.services.stacks.policies import POLICY_PATH, FoundPolicy, LoadedPolicy
from bot.services.stacks.touched import MergedTree, Trees

CHECK = "gatewright/policy"
_PROBLEM = re.compile(rf"{re.escape(POLICY_PATH)}:(\d+): (.*)", re.DOTALL)

_InForce = FoundPolicy | LoadedPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChecks:
    """Validates the file of a head, and shows what its merge would change."""

    github: GitHub
    checks: Checks
    trees: Trees

    async def look(self, repo: Repo, pull: PullRequest, found: FoundPolicy) -> bool:
        """Show the check where nothing is planned for the head.

        Returns whether it repairs the policy and nothing else.
        """
        if pull.base_ref != repo.default_branch:
            return False
        # For most pull requests, one request shows that the policy is not changed; a merge needs a clone.
        if await self.github.file(repo, POLICY_PATH, pull.head_sha) == found.text:
            return False
        try:
            tree = await self.trees.merged(repo, pull, base=found.commit, head=pull.head_sha)
        except MergeConflictError:
            return False
        return await self.show(repo, pull, found, tree)

    async def let_pass(self, repo: Repo, pull: PullRequest) -> None:
        """Write successful checks on a head that only repairs the policy."""
        for name in (PLAN, APPLY):
            await self.checks.show(repo, pull.number, pull.head_sha, name, text=REPAIRS)

    async def show(self, repo: Repo, pull: PullRequest, found: _InForce, tree: MergedTree) -> bool:
        """Show the check where the merge of the head changes the file; returns what `look` does."""
        if pull.base_ref != repo.default_branch or POLICY_PATH not in tree.merge.changed_files:
            return False
        own = await self._read(repo, pull.head_sha)
        merged = await self._read(repo, tree.merge.tree)
        view = _view(repo, found, own, merged, tree)
        annotations = () if view.of_merge else tuple(_annotations(view.problems))
        await self.checks.show(
            repo,
            pull.number,
            pull.head_sha,
            CHECK,
            text=policy_check(view),
            annotations=annotations,
        )
        return view.was_broken and not (view.problems or view.is_removed or view.changes_more)

    async def repairs(self, repo: Repo, *, branch: str, base: Sha, head: Sha, is_fresh: bool = False) -> bool:
        """Whether a group of the merge queue makes the file valid and touches nothing else.

        Raises CommitMissingError where the group has just been made (`is_fresh`), as GitHub serves it soon.
        """
        try:
            tree = await self.trees.moved(repo, branch, before=base, after=head)
            if tree.merge.changed_files != (POLICY_PATH,):
                return False
            text = await self._read(repo, tree.merge.tree)
        except GatewrightError as error:
            if error.temporary or (is_fresh and isinstance(error, CommitMissingError)):
                raise
            return False
        return text is not None and isinstance(_read_policy(text), RepoPolicy)

    async def _read(self, repo: Repo, tree: str) -> str | None:
        return await self.trees.workspace.read_file(repo, tree, POLICY_PATH)


def _view(repo: Repo, found: _InForce, own: str | None, merged: str | None, tree: MergedTree) -> PolicyView:
    """Judge the policy that the merge would leave on the default branch.

    It is the head's file unless both branches changed it.
    """
    result = _read_policy(merged)
    is_removed = POLICY_PATH not in tree.files and POLICY_PATH not in tree.links
    return PolicyView(
        branch=repo.default_branch,
        commit=found.commit,
        problems=() if is_removed or isinstance(result, RepoPolicy) else result,
        of_merge=merged != own,
        is_removed=is_removed,
        is_new=found.is_missing,
        was_broken=found.policy is None and not found.is_missing,
        changes_more=tree.merge.changed_files != (POLICY_PATH,),
        changes=policy_changes(found.policy, result) if isinstance(result, RepoPolicy) else NO_CHANGES,
    )


def _read_policy(text: str | None) -> RepoPolicy | tuple[str, ...]:
    """Return the policy, or its error."""
    if text is None:
        return (f"{POLICY_PATH}:1: is no regular file",)
    try:
        return load_policy(text, path=POLICY_PATH)
    except PolicyError as error:
        return error.problems


def _annotations(problems: Sequence[str]) -> list[Annotation]:
    found = [match for problem in problems if (match := _PROBLEM.fullmatch(problem))]
    return [
        Annotation(path=POLICY_PATH, line=int(match[1]), level="failure", message=match[2]) for match in found
    ]
