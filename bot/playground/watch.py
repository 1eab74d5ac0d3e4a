"""Waiting for what the bot says on a pull request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.comments.header import parse_header
from bot.domain.errors import GatewrightError
from bot.playground.github.standin import StandIn

_PATIENCE = 90.0
T = TypeVar("T")


class NotSaidError(GatewrightError):
    """The bot did not say what was waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One comment of the bot."""

    id: int
    body: str
    header: dict[str, Any]

    def is_about(self, **wanted: object) -> bool:
        """Whether its header has these values."""
        return all(self.header.get(name) == value for name, value in wanted.items())


@dataclass(slots=True, kw_only=True)
class Watch:
    """The bot's side of one pull request."""

    github: StandIn
    repo: str
    number: int
    patience: float = _PATIENCE
    _read: dict[int, str] = field(default_factory=dict)
    """Comment id -> the body that was last read."""

    def comments(self) -> list[Heard]:
        """Return the bot's comments, oldest first, without those that are folded as outdated."""
        found = []
        for comment in self.github.comments(self.repo, self.number):
            header = parse_header(comment.body)
            if header is not None and comment.minimized is None:
                found.append(Heard(id=comment.id, body=comment.body, header=header))
        return found

    def unread(self) -> list[Heard]:
        """Return the comments, and the later versions of comments, that nobody waited for."""
        return [heard for heard in self.comments() if self._read.get(heard.id) != heard.body]

    def skip(self) -> None:
        """Count everything said so far as read."""
        self._read.update({heard.id: heard.body for heard in self.comments()})

    def reread(self, heard: Heard) -> Heard:
        """Count later versions of what has been read as read as well; return this comment as it is now."""
        now = {each.id: each for each in self.comments()}
        self._read.update({number: now[number].body for number in self._read if number in now})
        return now.get(heard.id, heard)

    async def hear(self, wanted: Mapping[str, str], *, new: bool = True) -> Heard:
        """Wait for a comment (by default one not read yet) whose header has these values; NotSaidError after a while."""
        found = await self.until(lambda: self._find(new=new, wanted=wanted), f"a comment with {wanted}")
        self._read[found.id] = found.body
        return found

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """Wait until `look` gives something."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        while loop.time() < deadline:
            found = look()
            if found is not None:
                return found
            await asyncio.sleep(0.05)
        raise NotSaidError(f"waited {self.patience:.0f} s for {what}; there is:\n{self._overview()}")

    def _find(self, *, new: bool, wanted: Mapping[str, str]) -> Heard | None:
        candidates = self.unread() if new else self.comments()
        return next((heard for heard in candidates if heard.is_about(**wanted)), None)

    def _overview(self) -> str:
        lines = [f"  {heard.id} {heard.header}" for heard in self.comments()]
        return "\n".join(lines) or "  no comment of the bot"
