"""What the command line decides, and that an evening may be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "data" / "recorded"
MOST_REPOSITORIES = 5
MOST_REQUESTS = 1000


class RefusedError(Exception):
    """The evening does not begin, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the command line decides."""

    organisation: str
    only: Sequence[str] = ()
    repository: str = ""
    """One that an earlier evening made."""
    most_repositories: int = MOST_REPOSITORIES
    most_requests: int = MOST_REQUESTS
    with_limits: bool = False
    delete: bool = False
    directory: Path = RECORDED
