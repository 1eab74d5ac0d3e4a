"""What GitHub shows late: a webhook is ahead of REST and of the refs of pull requests.

Sources:
- A webhook leaves before every replica behind REST knows of it: a fresh pull request is answered with 404, and a changed
  one as it was before (atlassian/github-for-jira#690, integrations/slack#496, zendeskarchive/triggear#21).
- `refs/pull/N/head` and `refs/pull/N/merge` are written later than the webhook is sent (buildkite/agent#3254,
  buildkite/agent#4251, kubernetes/test-infra#19910, rocq-prover/bot#1).
- The commits themselves are there at once: GitHub serves any commit id of a repository and of its forks
  (kubernetes/test-infra#19928).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.github.git.repo import GitRepo
from bot.playground.github.records.model import Pull

Key = tuple[str, int]
KEPT_REFS = "refs/network"
"""Hidden refs that keep the commits of forks."""


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What REST still shows of a pull request until then; None while it shows nothing."""

    until: float
    pull: Pull | None


@dataclass(frozen=True, slots=True)
class _LateRef:
    """A ref of a pull request that will be written then; without a commit it will be removed."""

    at: float
    name: str
    sha: str | None


@dataclass(slots=True)
class Lag:
    """Delays REST and refs of pull requests by up to `longest` seconds, chosen by a seed."""

    seed: int
    longest: float
    now: Callable[[], float]
    _random: random.Random = field(init=False)
    _announced: dict[Key, Pull] = field(default_factory=dict)
    _earlier: dict[Key, list[_Earlier]] = field(default_factory=dict)
    _refs: dict[GitRepo, list[_LateRef]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Seed the dice."""
        self._random = random.Random(self.seed)  # noqa: S311

    def begin(self, pulls: dict[Key, Pull]) -> None:
        """Take what an earlier process has kept for known by now."""
        self._announced = {key: pull.model_copy(deep=True) for key, pull in pulls.items()}

    def announced(self, key: Key, pull: Pull) -> None:
        """Record that a webhook announced a change, which REST shows later."""
        before = self._announced.get(key)
        self._announced[key] = pull.model_copy(deep=True)
        waiting = self._earlier.setdefault(key, [])
        # What changed first is shown first.
        last = waiting[-1].until if waiting else 0.0
        waiting.append(_Earlier(max(last, self._later()), before))

    def shown(self, key: Key, pull: Pull) -> Pull | None:
        """Return a pull request as REST shows it now; None while that is not there yet."""
        now = self.now()
        waiting = [each for each in self._earlier.get(key, []) if each.until > now]
        self._earlier[key] = waiting
        return waiting[0].pull if waiting else pull

    async def write_ref(self, git: GitRepo, name: str, sha: str | None) -> None:
        """Write a ref of a pull request after a while; due ones are written at the next fetch."""
        self._refs.setdefault(git, []).append(_LateRef(self._later(), name, sha))
        if self.longest <= 0:
            await self.write_due(git)

    async def write_due(self, git: GitRepo, *, everything: bool = False) -> None:
        """Write the refs that are due."""
        now, waiting = self.now(), self._refs.get(git, [])
        due = [each for each in waiting if everything or each.at <= now]
        self._refs[git] = [each for each in waiting if each not in due]
        newest = {each.name: each.sha for each in due}
        if not newest:
            return
        known = await git.refs()
        for name, sha in newest.items():
            if sha is not None:
                await git.update_ref(name, sha)
            elif name in known:
                await git.delete_ref(name)

    async def write_all(self) -> None:
        """Write every waiting ref, before the stand-in stops."""
        for git in list(self._refs):
            await self.write_due(git, everything=True)

    def _later(self) -> float:
        return self.now() + self._random.uniform(0, max(self.longest, 0.0))
