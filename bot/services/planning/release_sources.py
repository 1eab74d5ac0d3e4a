"""Load the tree that a revert plans: the reviewed source of the release."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.errors import IntegrityError, WorkspaceError
from bot.domain.core.model import Repo, Stack
from bot.domain.releases.release import Release
from bot.policy import RepoPolicy
from bot.ports import GitTree, Workspace
from bot.services.stacks.releases import Sources
from bot.services.stacks.touched import MergedTree, Trees, input_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSources:
    """Reads the sources of releases, those of earlier versions too."""

    sources: Sources
    trees: Trees
    workspace: Workspace

    async def reviewed(self, repo: Repo, policy: RepoPolicy, stack: Stack, release: Release) -> bytes:
        """Return the packed tree of a release.

        Raises IntegrityError where it can no longer be had as it was reviewed.
        """
        bundle = await self.sources.fetch(release)
        if release.fetched_digest is not None:
            return bundle
        # Earlier versions packed the working directory after code had run there, so its files may have been rewritten.
        tree = await self._from_git(repo, release)
        paths = input_tree(policy, stack, tree)
        return await self.workspace.pack(GitTree(repo=repo, tree=tree.merge.tree, paths=paths), extra={})

    async def _from_git(self, repo: Repo, release: Release) -> MergedTree:
        try:
            tree = await self.trees.of_commits(repo, base=release.base_sha, head=release.head_sha)
        except WorkspaceError as error:
            raise IntegrityError(f"{_said(release)} ({error})") from error
        if tree.merge.tree != release.merge_tree:
            raise IntegrityError(_said(release))
        return tree


def _said(release: Release) -> str:
    env = release.stack.env
    return (
        f"Release {release.plan_id} was recorded by an earlier version of Gatewright, which did not keep its files apart"
        " from what ran beside them, and its commits cannot be read from GitHub any more. Name another release with"
        f" `/revert {env} to RELEASE`, or revert the change by a pull request."
    )
