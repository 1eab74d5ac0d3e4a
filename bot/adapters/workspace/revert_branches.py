"""Commits that take merged pull requests back.

They are made without a work tree, in the mirror.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.adapters.workspace.git import Git
from bot.adapters.workspace.names import is_object_id, object_id, refspec
from bot.domain.core.errors import MergeConflictError, WorkspaceError
from bot.domain.core.git_access import token_config
from bot.domain.core.model import Repo, Sha
from bot.ports.revert_pulls import Merged

PREFIX: Final = "gatewright/"
"""Prefix of the bot's branches; it pushes no others."""
_NAME, _MAIL = "Gatewright", "gatewright@users.noreply.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertCommits:
    """One mirror."""

    git: Git
    mirror: Path
    at: datetime
    """Of every commit, so that a repeated step makes the same ones."""

    async def reverted(self, tip: Sha, merged: Sequence[Merged]) -> Sha | None:
        """Return a commit on `tip` without the pull requests, None where nothing is left of them."""
        await self.git.require_merge_tree()
        now = object_id(tip)
        for each in merged:
            now = await self._without(now, each)
        return None if now == tip else Sha(now)

    async def _without(self, tip: str, merged: Merged) -> str:
        """Merge the state before the pull request into the tip, with the pull request as base."""
        before = await self._before(merged)
        ground = object_id(merged.commit)
        side = await self._commit(f"{before}^{{tree}}", ground, "what was before")
        said = await self._run(
            "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", tip, side, accept=(0, 1)
        )
        tree, *conflicts = said.rstrip("\0").split("\0")
        if conflicts:
            raise MergeConflictError(tuple(sorted(set(filter(None, conflicts)))))
        if not is_object_id(tree):
            raise WorkspaceError(f"reverting pull request {merged.number}: git has written no tree")
        if tree == (await self._run("rev-parse", f"{tip}^{{tree}}")).strip():
            return tip
        return await self._commit(tree, tip, f"Revert pull request #{merged.number}\n\nThis undoes {ground}.")

    async def _before(self, merged: Merged) -> str:
        """Return the base as it was before the pull request."""
        commit = object_id(merged.commit)
        parents = (await self._run("rev-list", "--parents", "--max-count=1", commit)).split()[1:]
        if not parents:
            raise WorkspaceError(f"pull request {merged.number} has nothing before it")
        if len(parents) > 1:
            return parents[0]
        # Squashed it became one commit, rebased as many as it had: which of both it was shows only in what they change.
        own, many = await self._own(merged)
        if many <= 1 and await self._changes(parents[0], commit) == await self._changes(*own):
            return parents[0]
        wanted = await self._patch(*own)
        for before in (parents[0], f"{commit}~{many}"):
            if many > 1 and wanted is not None and wanted == await self._patch(before, commit):
                return (await self._run("rev-parse", before)).strip()
        raise WorkspaceError(
            f"pull request {merged.number} was merged as several commits that changed while it was merged"
        )

    async def _own(self, merged: Merged) -> tuple[tuple[str, str], int]:
        """Return merge base and head of a pull request's changes, and the number of its commits."""
        head = object_id(merged.head)
        base = (await self._run("merge-base", f"{merged.commit}^1", head)).strip()
        return (base, head), int(await self._run("rev-list", "--count", "--no-merges", f"{base}..{head}"))

    async def _patch(self, old: str, new: str) -> str | None:
        """Return a digest of what changed, the same wherever in its files that is.

        None where it cannot be computed.
        """
        there = await self._run("rev-parse", "--verify", "--quiet", f"{old}^{{commit}}", accept=(0, 1, 128))
        if not there:
            return None
        diff = await self._run("diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", old, new)
        if "\nBinary files " in diff:
            return None
        return (
            await self._run("patch-id", "--stable", stdin=diff.encode("utf-8", "backslashreplace"))
        ).strip()

    async def _changes(self, old: str, new: str) -> frozenset[str]:
        said = await self._run("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new)
        return frozenset(filter(None, said.split("\0")))

    async def _commit(self, tree: str, parent: str, message: str) -> str:
        tree = (await self._run("rev-parse", tree)).strip()
        return (await self._run("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode())).strip()

    async def _run(self, *arguments: str, stdin: bytes = b"", accept: Sequence[int] = (0,)) -> str:
        result = await self.git.run(
            "making a commit that reverts",
            f"--git-dir={self.mirror}",
            *arguments,
            environment=self._identity(),
            stdin=stdin,
            accept=accept,
        )
        return result.stdout.decode("utf-8", "backslashreplace")

    def _identity(self) -> Mapping[str, str]:
        date = f"{int(self.at.timestamp())} +0000"
        return {
            **{f"GIT_{who}_NAME": _NAME for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": _MAIL for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_DATE": date for who in ("AUTHOR", "COMMITTER")},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPusher:
    """Pushes to branches of the bot's own, of one repository."""

    git: Git
    mirror: Path
    origin: str

    async def push(self, repo: Repo, token: str, branch: str, commit: Sha) -> None:
        """Point the branch at the commit. Raises WorkspaceError."""
        if not branch.startswith(PREFIX):
            raise WorkspaceError(f"{branch!r} is not a branch of Gatewright's own")
        refspec(f"refs/heads/{branch}")
        await self.git.run(
            f"pushing {branch} to {repo.full_name}",
            f"--git-dir={self.mirror}",
            "push",
            "--quiet",
            "--no-verify",
            "--end-of-options",
            f"{self.origin}/{repo.owner}/{repo.name}.git",
            f"+{object_id(commit)}:refs/heads/{branch}",
            config=token_config(self.origin, token),
            seconds=120,
        )
