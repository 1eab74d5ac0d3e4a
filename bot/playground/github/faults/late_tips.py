"""Branches that REST shows for a moment as they were before a merge.

atlassian/github-for-jira#690: REST shows a change seconds after its webhook. Git itself shows the new tip at once.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

Branch = tuple[str, str]
"""Repository and name."""


@dataclass(slots=True)
class LateTips:
    """Delays branch tips after merges by up to `longest` seconds, chosen by a seed."""

    seed: int
    longest: float
    now: Callable[[], float]
    _random: random.Random = field(init=False)
    _earlier: dict[Branch, tuple[float, str, str]] = field(default_factory=dict)
    """Until when REST shows which commit in the place of which."""

    def __post_init__(self) -> None:
        """Seed the dice."""
        self._random = random.Random(self.seed)  # noqa: S311

    def merged(self, repo: str, branch: str, *, before: str, after: str) -> None:
        """Record the previous tip."""
        if self.longest > 0:
            until = self.now() + self._random.uniform(0, self.longest)
            self._earlier[repo, branch] = (until, before, after)

    def shown(self, repo: str, branch: str, tip: str) -> str:
        """Return the tip that REST shows; pushes since the merge are shown immediately."""
        until, before, after = self._earlier.get((repo, branch), (0.0, tip, tip))
        return before if after == tip and self.now() < until else tip
