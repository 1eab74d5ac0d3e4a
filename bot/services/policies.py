"""The policy in force: `gatewright.yaml` at the tip of the default branch, never of a pull request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import ClassVar

from bot.domain.errors import PolicyError, PolicyMissingError
from bot.domain.model import Repo, Sha
from bot.domain.selection import POLICY_PATH
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
    """What is at the tip of the default branch, whether it is a valid policy or not."""

    commit: Sha
    text: str | None = field(default=None, repr=False)
    policy: RepoPolicy | None = None
    problems: tuple[str, ...] = ()
    """Why there is no policy."""

    @property
    def is_missing(self) -> bool:
        """Whether nobody has configured Gatewright here."""
        return self.text is None

    @property
    def loaded(self) -> LoadedPolicy:
        """The valid policy. Raises PolicyError where there is none, PolicyMissingError without a file."""
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
        """Return what is there now, whether it is valid or not."""
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
        """Return the policy in force now. Raises PolicyError where it is not valid, PolicyMissingError without a file."""
        return (await self.look(repo)).loaded

    async def recent(self, repo: Repo) -> LoadedPolicy:
        """Return the policy that was last loaded here, for what is only shown; it decides nothing."""
        return self._remembered(repo.full_name) or await self.load(repo)

    async def known(self, full_name: str) -> LoadedPolicy:
        """Return what `recent` does, and ask GitHub for nothing, not even the repository, unless it must."""
        return self._remembered(full_name) or await self.load(await self.github.repository(full_name))

    def _remembered(self, full_name: str) -> LoadedPolicy | None:
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
