"""A developer who pushes, plans and applies, whatever becomes of the bot, and reads what it says."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.stack import Playground
from bot.playground.watch import Heard, Watch
from tests.chaos.ground import FILE, module

_PATIENCE = 300.0


@dataclass(slots=True, kw_only=True)
class Developer:
    """One pull request after another push; every command's comment is remembered."""

    playground: Playground
    name: str
    repo: str
    chance: random.Random
    commands: list[int] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    interrupted: int = 0
    _watch: Watch = field(init=False)

    @property
    def number(self) -> int:
        return self._watch.number

    async def work(self, rounds: int, *, is_enough: Callable[[], bool]) -> None:
        """Open a pull request, and change, plan and apply it so often, and then until it is enough."""
        github = self.playground.github
        for turn in itertools.takewhile(lambda turn: turn < rounds or not is_enough(), itertools.count()):
            mark = f"{self.name}-{turn}"
            files = {FILE: module(mark, self.chance.randrange(5))}
            if turn == 0:
                pull = await github.open_pull(self.repo, author="dev", branch=self.name, files=files)
                self._watch = Watch(github=github, repo=self.repo, number=pull.number, patience=_PATIENCE)
            else:
                await github.push(self.repo, self.name, files, author="dev")
            head = github.pull(self.repo, self.number).head_sha
            self.heads.append(head)
            await self._until_planned(head)
            if self.chance.random() < 0.3:
                await self._command("/plan staging")
                await self._until_planned(head)
            await self._apply(mark, head)

    async def _until_planned(self, head: str) -> None:
        """Wait for the plan of this head; ask for it where the bot says that it could not be made."""
        asked = False
        while True:
            said = await self._watch.until(lambda: self._plan(head), f"the plan of {head[:7]}")
            if said.header.get("status") != "failed":
                return
            assert not asked, said.body
            asked = True
            await self._command("/plan staging")

    def _plan(self, head: str) -> Heard | None:
        """Return the sticky comment once it speaks of this head and no run is at work on it."""
        said = [heard for heard in self._watch.comments() if heard.is_about(kind="plan", head=head)]
        good = ("planned", "no_changes", "failed", "applied")
        return next((heard for heard in reversed(said) if heard.header.get("status") in good), None)

    async def _apply(self, mark: str, head: str) -> None:
        """Apply until it is; what was interrupted is read, and asked for again when something is left to do."""
        for _ in range(8):
            plan = await self._watch.until(lambda: self._plan(head), "a plan to apply")
            if plan.header["status"] in {"no_changes", "applied"}:
                self.applied.append(mark)
                return
            if plan.header["status"] == "failed":
                await self._command("/plan staging")
                continue
            self._watch.skip()
            await self._command("/apply staging")
            answer = await self._watch.until(self._answer, "an answer to /apply")
            if answer.header.get("status") == "applied":
                self.applied.append(mark)
                return
            if answer.header.get("status") == "interrupted":
                self.interrupted += 1
                await self._watch.until(lambda old=plan: self._replanned(old, head), "a new plan")  # type: ignore[misc]
        raise AssertionError(f"{mark} could not be applied")

    def _answer(self) -> Heard | None:
        return next((heard for heard in self._watch.unread() if heard.header["kind"] != "plan"), None)

    def _replanned(self, old: Heard, head: str) -> Heard | None:
        found = self._plan(head)
        return found if found is not None and found.header.get("plan") != old.header.get("plan") else None

    async def _command(self, line: str) -> None:
        """Write it in a second of its own, and wait until it was answered with a rocket or a confused face."""
        await asyncio.sleep(1.02 - time.time() % 1)
        github = self.playground.github
        comment = await github.comment(self.repo, self.number, author="dev", body=line)
        self.commands.append(comment.id)
        await self._watch.until(lambda: self.is_answered(comment.id) or None, f"an answer to {line}")

    def is_answered(self, comment_id: int) -> bool:
        """Whether the bot has said by a reaction that the command is done."""
        contents = {each.content for each in self.playground.github.reactions(comment_id)}
        return bool(contents & {"rocket", "confused"})
