"""What the policies want done by the clock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.errors import GatewrightError
from bot.domain.model import Repo
from bot.ports import GitHub, Records
from bot.services.policies import LoadedPolicy, Policies

_LOG = logging.getLogger(__name__)
_MOST_REPOS = 1000
Duty = Callable[[Repo, LoadedPolicy], Awaitable[None]]
"""Queues what is due of a repository, and nothing twice however many workers ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """Reads each policy once for all duties."""

    records: Records
    github: GitHub
    policies: Policies
    duties: Sequence[Duty]
    serves: Callable[[str], bool]
    """Whether a repository is listed."""

    async def look_around(self) -> None:
        """Queue what is due by the policies; a chore of every worker."""
        async with self.records.read() as reader:
            repos = await reader.active_repos(limit=_MOST_REPOS)
        for one in repos:
            if not self.serves(one.full_name):
                continue
            try:
                repo = await self.github.repository(one.full_name)
                loaded = await self.policies.load(repo)
            except GatewrightError:
                _LOG.warning("what is due of %s could not be found out", one.full_name, exc_info=True)
                continue
            for duty in self.duties:
                try:
                    await duty(repo, loaded)
                except GatewrightError:
                    _LOG.warning("what is due of %s could not be queued", one.full_name, exc_info=True)
