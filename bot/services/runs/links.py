"""Addresses of our own pages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from bot.domain.core.model import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses of our own pages."""

    origin: str

    def run(self, run_id: RunId) -> str:
        """The page of a run."""
        return f"{self.origin}/runs/{run_id}"

    def runs(self, repo: str, pull: int | None = None) -> str:
        """The page of all runs of a repository, or of a pull request in it."""
        wanted = {"repo": repo} if pull is None else {"repo": repo, "pull": pull}
        return f"{self.origin}/runs?{urlencode(wanted)}"
