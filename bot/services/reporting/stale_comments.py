"""Periodically updates plan comments that an event left out of date."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import uuid4

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import PlanId, Repo
from bot.ports import Clock, GitHub, Records
from bot.services.reporting.plan_comments import PlanComments, one_per_comment

_LOG = logging.getLogger(__name__)
_DUTY: Final = "show"
_MOST_PLANS: Final = 1000
_AT_ONCE: Final = 5
"""Comments per repository and round.

GitHub allows an App about 500 comments an hour, and answers to commands come first.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleComments:
    """Updates comments a few at a time: after a push to a base, a hold or the operator's stop."""

    records: Records
    github: GitHub
    plan_comments: PlanComments
    clock: Clock
    serves: Callable[[str], bool]
    """Whether the operator has listed a repository."""
    every: timedelta
    name: str = field(default_factory=lambda: uuid4().hex)
    """The name of this process among those that take turns."""

    async def update_due(self) -> None:
        """Update the oldest comments of each repository, if it is this worker's turn."""
        async with self.records.write() as writer:
            if not await writer.take_turn(_DUTY, at=self.clock.now(), every=self.every, by=self.name):
                return
            names = await writer.unshown_repositories()
        for name in filter(self.serves, names):
            try:
                await self._show(await self.github.repository(name))
            except GatewrightError as error:
                _LOG.warning(
                    "the comments of %s could not be brought up to date: %s",
                    name,
                    error,
                    exc_info=not error.temporary,
                )
        async with self.records.write() as writer:
            await writer.end_turn(_DUTY, at=self.clock.now(), by=self.name)

    async def _show(self, repo: Repo) -> None:
        async with self.records.read() as reader:
            found = await reader.unshown_plans(repo=repo.full_name, limit=_MOST_PLANS)
            plans = {plan.id: plan for plan in await reader.outlines_of(found)}
        for plan in one_per_comment(plans[each] for each in found if each in plans)[:_AT_ONCE]:
            await self._refresh(repo, plan.id)

    async def _refresh(self, repo: Repo, plan: PlanId) -> None:
        try:
            await self.plan_comments.refresh(repo, plan)
        except GatewrightError as error:
            if error.temporary:
                raise
            # Otherwise this comment would be the first of every round, and block the others of its repository.
            _LOG.warning("the comment of plan %s is not updated any more", plan, exc_info=True)
            async with self.records.write() as writer:
                await writer.mark_shown(plan)
