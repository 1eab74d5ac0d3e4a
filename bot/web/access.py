"""Decide who may see a run: people who may read its repository."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.domain.core.accounts import Account
from bot.domain.core.model import Permission, Repo, Run
from bot.ports import ActiveRepo, Clock

REMEMBERED: Final = timedelta(seconds=20)
"""How long an answer of GitHub counts for reading; changes ask again each time."""
REMEMBERED_FOR_LISTS: Final = timedelta(minutes=5)
"""How long it counts for lists, which need a request per repository."""
_MOST_ANSWERS: Final = 10_000
_AT_ONCE: Final = 8


def _everybody(_full_name: str) -> bool:
    return True


class Rights(Protocol):
    """The slice of GitHub that is asked."""

    async def permission(self, repo: Repo, account: Account) -> Permission:
        """Return the right that the user has now; NONE for strangers."""
        ...


class Visitors:
    """Caches GitHub's answers, because a list and a live log ask repeatedly."""

    def __init__(self, rights: Rights, clock: Clock, serves: Callable[[str], bool] = _everybody) -> None:
        """`serves` returns whether a repository is listed; others are visible to no one."""
        self._rights = rights
        self._serves = serves
        self._clock = clock
        self._answers: dict[tuple[Account, str], tuple[datetime, Permission]] = {}

    async def may_read(self, account: Account, run: Run) -> bool:
        """Whether the user may see the run; raises GatewrightError when that cannot be found out."""
        return (await self.permission(account, run)).allows(Permission.READ)

    async def permission(self, account: Account, run: Run) -> Permission:
        """Return the user's right on the run's repository, at most `REMEMBERED` old."""
        active = ActiveRepo(full_name=run.stack.repo, installation_id=run.installation_id)
        return await self._permission(account, active, within=REMEMBERED)

    async def readable(self, account: Account, repos: Sequence[ActiveRepo]) -> tuple[str, ...]:
        """Return the repositories that the user may read, from answers minutes old at most."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def ask(repo: ActiveRepo) -> bool:
            async with limit:
                held = await self._permission(account, repo, within=REMEMBERED_FOR_LISTS)
                return held.allows(Permission.READ)

        answers = await asyncio.gather(*(ask(repo) for repo in repos))
        return tuple(repo.full_name for repo, may in zip(repos, answers, strict=True) if may)

    async def _permission(self, account: Account, active: ActiveRepo, *, within: timedelta) -> Permission:
        if not self._serves(active.full_name):
            return Permission.NONE
        now, key = self._clock.now(), (account, active.full_name.lower())
        known = self._answers.get(key)
        if known is not None and now < known[0] + within:
            return known[1]
        owner, _, name = active.full_name.partition("/")
        repo = Repo(owner=owner, name=name, installation_id=active.installation_id)
        answer = await self._rights.permission(repo, account)
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
        self._answers[key] = (now, answer)
        return answer
