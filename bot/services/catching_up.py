"""Comments that were left showing something old, because too many at once would have been a storm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.errors import GatewrightError
from bot.domain.model import PlanId, Repo
from bot.ports import Clock, GitHub, Records
from bot.services.plan_comments import PlanComments

_LOG = logging.getLogger(__name__)
_DUTY: Final = "show"
_AT_ONCE: Final = 5
"""Of each repository and round. GitHub takes 500 comments an hour of an App, and what people ask for goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchingUp:
    """Brings them up to date a few at a time: after a push to a base, a hold, the operator's stop."""

    records: Records
    github: GitHub
    plan_comments: PlanComments
    clock: Clock
    serves: Callable[[str], bool]
    """Whether a repository is listed."""
    every: timedelta

    async def look_after(self) -> None:
        """Show the oldest of each repository, when it is this worker's turn; what cannot be shown now waits."""
        async with self.records.write() as writer:
            if not await writer.take_turn(_DUTY, at=self.clock.now(), every=self.every):
                return
            names = await writer.unshown_repositories()
        for name in filter(self.serves, names):
            try:
                await self._show(await self.github.repository(name))
            except GatewrightError:
                _LOG.warning("the comments of %s could not be brought up to date", name, exc_info=True)

    async def _show(self, repo: Repo) -> None:
        async with self.records.read() as reader:
            plans = await reader.unshown_plans(repo=repo.full_name, limit=_AT_ONCE)
        for plan in plans:
            await self._refresh(repo, plan)

    async def _refresh(self, repo: Repo, plan: PlanId) -> None:
        try:
            await self.plan_comments.refresh(repo, plan)
        except GatewrightError as error:
            if error.passing:
                raise
            # It would be the first of every later round, and fail in each.
            _LOG.warning("the comment of plan %s is given up", plan, exc_info=True)
            async with self.records.write() as writer:
                await writer.mark_shown(plan)
