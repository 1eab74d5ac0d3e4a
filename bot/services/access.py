"""Who may do what, from GitHub's present answers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Login, Permission, Repo
from bot.policy import EnvironmentPolicy
from bot.ports import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Asks GitHub; nothing is remembered, because rights change."""

    github: GitHub

    async def permission(self, repo: Repo, login: Login) -> Permission:
        """Return the user's right on the repository now."""
        return await self.github.permission(repo, login)

    async def may_apply(self, repo: Repo, env: EnvironmentPolicy, login: Login) -> bool:
        """Whether the environment's `apply.allow` includes the user; write access is needed in any case."""
        held = await self.github.permission(repo, login)
        if not held.allows(Permission.WRITE):
            return False
        if env.apply.allow_permission is not None and held.allows(env.apply.allow_permission):
            return True
        for org, team in env.apply.allow_teams:
            if await self.github.is_team_member(org, team, login):
                return True
        return False
