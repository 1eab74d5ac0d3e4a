"""How the recorder talks to the person who plays the evening."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Protocol


class Person(Protocol):
    """Reads what is said, and answers."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    async def ask(self, text: str) -> str:
        """Return what the person types."""
        ...


class Terminal:
    """A person at a terminal."""

    def say(self, text: str) -> None:
        """Write a line."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    async def ask(self, text: str) -> str:
        """Read a line; an empty one is a fine answer."""
        try:
            return (await asyncio.to_thread(input, f"{text}\n> ")).strip()
        except EOFError:
            return ""


class Script:
    """Answers that were written down before; used up, they are followed by empty ones."""

    def __init__(self, answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.said: list[str] = []

    def say(self, text: str) -> None:
        """Remember it."""
        self.said.append(text)

    async def ask(self, text: str) -> str:
        """Return the next answer."""
        self.said.append(text)
        return self.answers.pop(0) if self.answers else ""
