"""Spans of traces."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

Fact = str | int | bool | None


class Tracer(Protocol):
    """Marks stretches of work.

    Facts are ids, names and outcomes: never text that a person wrote, never a secret.
    """

    def span(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """Time what happens inside.

        An exception marks the span by the name of its class and passes on.
        """
        ...
