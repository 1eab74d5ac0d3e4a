"""Team membership and the rights of teams."""

from __future__ import annotations

from bot.domain.core.model import Login, Permission, Repo
from bot.ports import GitHub


async def has_say(github: GitHub, repo: Repo, team: tuple[str, str], login: Login) -> bool:
    """Whether a user is an active member of a team with write access to the repository.

    `team` is organisation and slug. Write access is required because every member of an organisation can
    create a team of a name that a policy still lists.
    """
    return await github.is_team_member(*team, login) and await may_write(github, repo, team)


async def may_write(github: GitHub, repo: Repo, team: tuple[str, str]) -> bool:
    """Whether a team has write access to the repository."""
    return (await github.team_permission(repo, *team)).allows(Permission.WRITE)
