"""A request to GitHub as a value, and the kinds of writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.domain.core.write_buckets import WriteKind

GRAPHQL = "/graphql"


ANSWER = WriteKind(asked=True, awaited=True, content=True)
"""A comment that answers a command."""
REACTION = WriteKind(asked=True, awaited=True, content=False)
"""An edit or a reaction to an answer."""
CONTENT = WriteKind(awaited=True, content=True)
"""Content without a command that people wait for: a plan comment after a push, a pull request."""
UPDATE = WriteKind(awaited=True, content=False)
"""An edit of such content."""
NOTE = WriteKind(awaited=False, content=True)
"""Background content that nobody waits for: an issue."""
RECORD = WriteKind(awaited=False, content=False)
"""Background writes without content: check runs, deployments, folded comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to GitHub.

    `doing` is the beginning of error messages ("reading acme/infra#12"), `route` is an RFC 6570 template.
    """

    doing: str
    route: str
    variables: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict)
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    write: WriteKind | None = None
    """None for a read."""
    accept: str | None = None
    """Media type, if not the default."""
    is_state: bool = False
    """Whether a later call to the same route replaces this one, such as an edit of a comment."""

    @property
    def subject(self) -> tuple[object, ...]:
        """Key of the object that this call updates."""
        return (self.route, *sorted((name, str(value)) for name, value in self.variables.items()))
