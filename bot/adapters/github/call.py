"""One request to GitHub as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.write_buckets import WriteKind

GRAPHQL = "/graphql"


CONTENT = WriteKind(awaited=True, content=True)
"""What people wait for: a comment, a pull request."""
ANSWER = WriteKind(awaited=True, content=False)
"""The same, where it adds no content: another text of a comment, a reaction."""
NOTE = WriteKind(awaited=False, content=True)
"""Content that nobody waits for: an issue."""
RECORD = WriteKind(awaited=False, content=False)
"""What goes with it: check runs, deployments, folded comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to ask; `doing` is told in errors ("reading acme/infra#12"), `route` is an RFC 6570 template."""

    doing: str
    route: str
    variables: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    write: WriteKind | None = None
    """None for what only reads."""
    is_state: bool = False
    """Whether a later call of the same route makes this one needless, as with the text of a comment."""

    @property
    def subject(self) -> tuple[object, ...]:
        """What a state is a state of."""
        return (self.route, *sorted((name, str(value)) for name, value in self.variables.items()))
