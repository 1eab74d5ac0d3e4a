"""Waits for comments of the bot on a pull request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.comments.markdown.header import parse_header, stack_headers
from bot.domain.core.errors import GatewrightError
from bot.playground.github.standin import StandIn

_PATIENCE = 90.0
T = TypeVar("T")
_SECTION = re.compile(r"^<details><summary>[^\n]*?<b>(.*?)</b>", re.MULTILINE)
"""The beginning of a section; the folded parts inside of it have no bold titles."""
_Key = tuple[int, str, str]
"""Comment id, environment and project."""


class MissingCommentError(GatewrightError):
    """An expected comment did not appear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One comment of the bot."""

    id: int
    body: str
    header: dict[str, Any]

    @property
    def key(self) -> _Key:
        """Return the comment and the stack that it is about."""
        return self.id, str(self.header.get("env")), str(self.header.get("project"))

    @property
    def label(self) -> str:
        """Return the name of its stack."""
        _, env, project = self.key
        return env if project == "default" else f"{env} ({project})"

    @property
    def part(self) -> str:
        """Return the part about its stack, all of it if it is about that one alone."""
        # Labels and texts take turns.
        sections = _SECTION.split(self.body)[1:]
        return dict(zip(sections[::2], sections[1::2], strict=True)).get(self.label, self.body)

    @property
    def said(self) -> str:
        """Return what it says about its stack: all of it, or only the lines that name the stack.

        The latter where it is about several stacks.
        """
        if len((parse_header(self.body) or {}).get("stacks", ())) <= 1:
            return self.body
        # What else the comment says may change because of another stack.
        lines = [line for line in self.body.split("\n")[1:] if self.label in line]
        return "\n".join([str(self.header), *lines])

    def stacks(self) -> list[Heard]:
        """Return it once for each stack that it is about, with the header of that one."""
        return [replace(self, header=fields) for fields in stack_headers(self.header)]

    def is_about(self, **wanted: object) -> bool:
        """Return whether its header, or that of one of its stacks, has these values."""
        return self.about(**wanted) is not None

    def about(self, **wanted: object) -> Heard | None:
        """Return it with the header of the first stack that has these values, None if none has."""
        found = (
            each
            for each in self.stacks()
            if all(each.header.get(name) == value for name, value in wanted.items())
        )
        return next(found, None)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The bot's comments on a pull request."""

    github: StandIn
    repo: str
    number: int
    patience: float = _PATIENCE
    _read: dict[_Key, str] = field(default_factory=dict)
    """What was last read, of each stack in each comment."""

    def comments(self) -> list[Heard]:
        """Return the bot's comments, oldest first, without those minimised as outdated."""
        found = []
        for comment in self.github.comments(self.repo, self.number):
            header = parse_header(comment.body)
            if header is not None and comment.minimized is None:
                found.append(Heard(id=comment.id, body=comment.body, header=header))
        return found

    def unread(self) -> list[Heard]:
        """Return the comments, and later versions of comments, that were not read.

        A comment is returned once for each of its stacks.
        """
        return [
            heard
            for comment in self.comments()
            for heard in comment.stacks()
            if self._read.get(heard.key) != heard.said
        ]

    def skip(self) -> None:
        """Mark all comments as read."""
        self._read.update(
            {heard.key: heard.said for comment in self.comments() for heard in comment.stacks()}
        )

    def reread(self, heard: Heard) -> Heard:
        """Mark later versions of read comments as read; returns this comment's newest version."""
        now = {each.key: each for comment in self.comments() for each in comment.stacks()}
        self._read.update({key: now[key].said for key in self._read if key in now})
        return now.get(heard.key, heard)

    async def hear(self, wanted: Mapping[str, str], *, new: bool = True) -> Heard:
        """Wait for a comment with these header values, by default an unread one.

        Raises MissingCommentError after a while.
        """
        found = await self.until(lambda: self._find(new=new, wanted=wanted), f"a comment with {wanted}")
        self._read[found.key] = found.said
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
