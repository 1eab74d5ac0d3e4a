"""Who may see a run: whoever may read its repository now."""

from __future__ import annotations

from typing import Protocol

from bot.domain.model import Login, Permission, Repo, Run
from bot.web.services import Authorise


class Rights(Protocol):
    """The slice of GitHub that is asked."""

    async def permission(self, repo: Repo, login: Login) -> Permission:
        """Return the right that the user has now; NONE for strangers."""
        ...


def readers_only(rights: Rights) -> Authorise:
    """Let in those with at least read access; nothing is remembered, because rights change."""

    async def authorise(login: Login, run: Run) -> bool:
        owner, _, name = run.stack.repo.partition("/")
        repo = Repo(owner=owner, name=name, installation_id=run.installation_id)
        return (await rights.permission(repo, login)).allows(Permission.READ)

    return authorise
