"""People's rights on repositories, from GitHub."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.core.accounts import Account
from bot.domain.core.model import Permission, Repo
from bot.policy import EnvironmentPolicy
from bot.ports import GitHub
from bot.services.access.teams import has_say


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Reads rights from GitHub; nothing is cached, because rights change."""

    github: GitHub

    async def permission(self, repo: Repo, account: Account) -> Permission:
        """Return the user's current right on the repository."""
        return await self.github.permission(repo, account)

    async def may_apply(
        self, repo: Repo, env: EnvironmentPolicy, account: Account, *, held: Permission | None = None
    ) -> bool:
        """Whether `apply.allow` of the environment includes the user, who must have write access.

        `held` is the user's right, where the same act has read it already.
        """
        if held is None:
            held = await self.github.permission(repo, account)
        if not held.allows(Permission.WRITE):
            return False
        if env.apply.allow_permission is not None and held.allows(env.apply.allow_permission):
            return True
        for team in env.apply.allow_teams:
            if await has_say(self.github, repo, team, account.login):
                return True
        return False
