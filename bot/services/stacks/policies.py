"""The policy in force.

`gatewright.yaml` at the tip of the default branch, never of a pull request.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

from bot.domain.core.errors import PolicyError, PolicyMissingError
from bot.domain.core.model import Repo, Sha
from bot.domain.trees.selection import POLICY_PATH
from bot.policy import RepoPolicy, load_policy
from bot.ports import Clock, GitHub, Records

__all__ = ["POLICY_PATH", "FoundPolicy", "LoadedPolicy", "Policies"]

_CACHED_VERSIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicy:
    """A valid policy and the commit that it was read from."""

    policy: RepoPolicy
    commit: Sha
    """The tip of the default branch."""
    is_missing: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPolicy:
    """The policy file at the tip of the default branch, valid or not."""

    commit: Sha
    text: str | None = field(default=None, repr=False)
    policy: RepoPolicy | None = None
    problems: tuple[str, ...] = ()
    """Why there is no policy."""

    @property
    def is_missing(self) -> bool:
        """Whether Gatewright is not configured here."""
        return self.text is None

    @property
    def loaded(self) -> LoadedPolicy:
        """The valid policy.

        Raises PolicyError where there is none, PolicyMissingError without a file.
        """
        if self.policy is None:
            raise (PolicyMissingError if self.is_missing else PolicyError)(self.problems)
        return LoadedPolicy(policy=self.policy, commit=self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Reads and remembers policies; each version in force is recorded once."""

    github: GitHub
    records: Records
    clock: Clock
    _by_commit: OrderedDict[tuple[str, Sha], FoundPolicy] = field(default_factory=OrderedDict)

    async def look(self, repo: Repo) -> FoundPolicy:
        """Return the current policy file, valid or not."""
        commit = await self.github.branch_head(repo, repo.default_branch)
        key = (repo.full_name, commit)
        if key not in self._by_commit:
            found = await self._read(repo, commit)
            if found.is_missing:
                return found  # GitHub may not show yet what was just pushed: it is asked again.
            self._by_commit[key] = found
            while len(self._by_commit) > _CACHED_VERSIONS:
                self._by_commit.popitem(last=False)
        self._by_commit.move_to_end(key)
        return self._by_commit[key]

    async def load(self, repo: Repo) -> LoadedPolicy:
        """Return the policy in force now.

        Raises PolicyError where it is not valid, PolicyMissingError without a file.
        """
        return (await self.look(repo)).loaded

    async def recent(self, repo: Repo) -> LoadedPolicy:
        """Return the policy that was last loaded here, for display; it decides nothing."""
        return self.remembered(repo.full_name) or await self.load(repo)

    async def known(self, full_name: str) -> LoadedPolicy:
        """Return what `recent` does, without a request to GitHub unless one is necessary."""
        return self.remembered(full_name) or await self.load(await self.github.repository(full_name))

    async def shown(self, repo: Repo) -> RepoPolicy | None:
        """Return the valid policy that any process read last, for checks that may block a merge.

        While the policy is invalid or missing, checks of the previous policy are still shown.
        """
        known = self.remembered(repo.full_name)
        if known is None:
            with suppress(PolicyError):
                return (await self.load(repo)).policy
        async with self.records.read() as reader:
            newest = await reader.policy_in_force(repo.full_name)
        if newest is not None and (known is None or known.policy.digest != newest[0]):
            with suppress(PolicyError):
                return load_policy(newest[1], path=POLICY_PATH)
        return None if known is None else known.policy

    def remembered(self, full_name: str) -> LoadedPolicy | None:
        """Return the valid policy that was last loaded here, if any was."""
        for (name, _), found in reversed(self._by_commit.items()):
            if name == full_name and found.policy is not None:
                return found.loaded
        return None

    async def _read(self, repo: Repo, commit: Sha) -> FoundPolicy:
        text = await self.github.file(repo, POLICY_PATH, commit)
        if text is None:
            missing = f"{POLICY_PATH}: there is no such file at the root of branch {repo.default_branch}"
            return FoundPolicy(commit=commit, problems=(missing,))
        try:
            policy = load_policy(text, path=POLICY_PATH)
        except PolicyError as error:
            return FoundPolicy(commit=commit, text=text, problems=error.problems)
        async with self.records.write() as writer:
            await writer.record_policy(repo.full_name, policy.digest, text, commit, self.clock.now())
        return FoundPolicy(commit=commit, text=text, policy=policy)
