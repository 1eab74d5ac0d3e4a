"""A slice of GitHub that counts requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.domain.core.model import Repo, Sha
from bot.playground.seed import files

LATER = datetime(2026, 3, 10, 12, tzinfo=UTC)
"""Some days after the values of `records.builders`."""


@dataclass(slots=True)
class CountingGitHub:
    """A GitHub with the project's own policy, which remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    async def repository(self, full_name: str) -> Repo:
        self.asked.append(f"repository {full_name}")
        owner, _, name = full_name.partition("/")
        return Repo(owner=owner, name=name, installation_id=1)

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        self.asked.append(f"head {repo.full_name} {branch}")
        return Sha("a" * 40)

    async def file(self, repo: Repo, path: str, commit: Sha) -> str | None:
        self.asked.append(f"file {repo.full_name} {path} {commit[:1]}")
        return files("1.11.4")["gatewright.yaml"]
