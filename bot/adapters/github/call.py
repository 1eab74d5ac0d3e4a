"""One request to GitHub as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

GRAPHQL = "/graphql"


class Lane(Enum):
    """The queue in which a request waits for its turn."""

    FREE = auto()
    """Reads and reactions: nobody is notified, and the 👀 must not wait behind long comments."""
    COMMENTS = auto()
    STATUSES = auto()
    """Check runs and deployments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to ask; `doing` is told in errors ("reading acme/infra#12"), `route` is an RFC 6570 template."""

    doing: str
    route: str
    variables: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    lane: Lane = Lane.FREE
