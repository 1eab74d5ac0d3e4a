"""The policy in force: `gatewright.yaml` at the tip of the default branch, never of a pull request."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from bot.domain.errors import PolicyError
from bot.domain.model import Repo, Sha
from bot.policy import RepoPolicy, load_policy
from bot.ports import Clock, GitHub, Records

POLICY_PATH = "gatewright.yaml"
_CACHED_VERSIONS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicy:
    """A valid policy and the commit that it was read from."""

    policy: RepoPolicy
    commit: Sha
    """The tip of the default branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Reads and remembers policies; each version in force is recorded once."""

    github: GitHub
    records: Records
    clock: Clock
    _by_commit: OrderedDict[tuple[str, Sha], RepoPolicy] = field(default_factory=OrderedDict)

    async def load(self, repo: Repo) -> LoadedPolicy:
        """Return the policy in force now. Raises PolicyError when it is missing or not valid."""
        commit = await self.github.branch_head(repo, repo.default_branch)
        key = (repo.full_name, commit)
        if key not in self._by_commit:
            self._by_commit[key] = await self._read(repo, commit)
            while len(self._by_commit) > _CACHED_VERSIONS:
                self._by_commit.popitem(last=False)
        self._by_commit.move_to_end(key)
        return LoadedPolicy(policy=self._by_commit[key], commit=commit)

    async def recent(self, repo: Repo) -> LoadedPolicy:
        """Return the policy that was last loaded here, for what is only shown; it decides nothing."""
        return self._remembered(repo.full_name) or await self.load(repo)

    async def known(self, full_name: str) -> LoadedPolicy:
        """Return what `recent` does, and ask GitHub for nothing, not even the repository, unless it must."""
        return self._remembered(full_name) or await self.load(await self.github.repository(full_name))

    def _remembered(self, full_name: str) -> LoadedPolicy | None:
        for (name, commit), policy in reversed(self._by_commit.items()):
            if name == full_name:
                return LoadedPolicy(policy=policy, commit=commit)
        return None

    async def _read(self, repo: Repo, commit: Sha) -> RepoPolicy:
        text = await self.github.file(repo, POLICY_PATH, commit)
        if text is None:
            raise PolicyError(
                (f"{POLICY_PATH}: there is no such file at the root of branch {repo.default_branch}",)
            )
        policy = load_policy(text, path=POLICY_PATH)
        async with self.records.write() as writer:
            await writer.record_policy(repo.full_name, policy.digest, text, commit, self.clock.now())
        return policy
