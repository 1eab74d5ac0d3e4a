"""Where the acts of a storm take place, and who takes part."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.playground.github.standin import StandIn
from tests.soak.ground import DEVELOPERS, PullOf, Repository, is_open

_numbers = itertools.count(1)


def next_number() -> int:
    """Return a number that was never used."""
    return next(_numbers)


@dataclass(slots=True, kw_only=True)
class Scene:
    """The organisation while the storm goes on."""

    github: StandIn
    chance: random.Random
    repos: Sequence[Repository]
    most_pulls: int
    pulls: list[PullOf] = field(default_factory=list)
    people: list[str] = field(default_factory=lambda: list(DEVELOPERS))
    """Who may write everywhere, by the login of now."""

    def someone(self) -> str:
        """Return anybody who may write."""
        return self.chance.choice(self.people)

    def open_pull(self, *, code: bool | None = None, pushed: bool = False) -> PullOf | None:
        """Return any pull request that is open; `pushed` one with several heads."""
        found = [
            pull
            for pull in self.pulls
            if is_open(self.github, pull)
            and code in {None, pull.touches_code}
            and (not pushed or len(set(pull.heads)) > 1)
        ]
        return self.chance.choice(found) if found else None

    def value(self) -> str:
        """Return a text that was never pushed before."""
        return f"value {next_number()}"

    async def force_push(self, pull: PullOf, sha: str) -> None:
        """Make a commit the head."""
        await self.github.force_push(pull.repo.full_name, pull.branch, sha, author=self.someone())
        pull.heads.append(sha)
