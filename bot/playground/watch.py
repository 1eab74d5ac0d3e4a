"""Waits for comments of the bot on a pull request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.comments.markdown.header import parse_header, stack_headers
from bot.domain.core.errors import GatewrightError
from bot.playground.github.standin import StandIn

_PATIENCE = 90.0
T = TypeVar("T")


class MissingCommentError(GatewrightError):
    """An expected comment did not appear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One comment of the bot."""

    id: int
    body: str
    header: dict[str, Any]

    def is_about(self, **wanted: object) -> bool:
        """Return whether its header, or that of one of its stacks, has these values."""
        return self.about(**wanted) is not None

    def about(self, **wanted: object) -> Heard | None:
        """Return it with the header of the first stack that has these values, None if none has."""
        headers = (self.header, *stack_headers(self.header))
        found = (
            header for header in headers if all(header.get(name) == value for name, value in wanted.items())
        )
        header = next(found, None)
        return None if header is None else replace(self, header=header)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The bot's comments on a pull request."""

    github: StandIn
    repo: str
    number: int
    patience: float = _PATIENCE
    _read: dict[int, str] = field(default_factory=dict)
    """Comment id -> the body that was last read."""

    def comments(self) -> list[Heard]:
        """Return the bot's comments, oldest first, without those minimised as outdated."""
        found = []
        for comment in self.github.comments(self.repo, self.number):
            header = parse_header(comment.body)
            if header is not None and comment.minimized is None:
                found.append(Heard(id=comment.id, body=comment.body, header=header))
        return found

    def unread(self) -> list[Heard]:
        """Return the comments, and later versions of comments, that were not read."""
        return [heard for heard in self.comments() if self._read.get(heard.id) != heard.body]

    def skip(self) -> None:
        """Mark all comments as read."""
        self._read.update({heard.id: heard.body for heard in self.comments()})

    def reread(self, heard: Heard) -> Heard:
        """Mark later versions of read comments as read; returns this comment's newest version."""
        now = {each.id: each for each in self.comments()}
        self._read.update({number: now[number].body for number in self._read if number in now})
        return now.get(heard.id, heard)

    async def hear(self, wanted: Mapping[str, str], *, new: bool = True) -> Heard:
        """Wait for a comment with these header values, by default an unread one.

        Raises MissingCommentError after a while.
        """
        found = await self.until(lambda: self._find(new=new, wanted=wanted), f"a comment with {wanted}")
        self._read[found.id] = found.body
        return found

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """Wait until `look` returns something; MissingCommentError after a while."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        while loop.time() < deadline:
            found = look()
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        raise MissingCommentError(f"waited {self.patience:.0f} s for {what}; there is:\n{self._overview()}")

    def _find(self, *, new: bool, wanted: Mapping[str, str]) -> Heard | None:
        candidates = self.unread() if new else self.comments()
        return next((found for heard in candidates if (found := heard.about(**wanted)) is not None), None)

    def _overview(self) -> str:
        lines = [f"  {heard.id} {heard.header}" for heard in self.comments()]
        return "\n".join(lines) or "  no comment of the bot"
