"""Who may act for an environment beyond their own wishes: its owners, the policy's on-call team, administrators."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.approvals import required_paths
from bot.domain.codeowners import Owner, OwnerKind
from bot.domain.model import EnvName, Login, Permission, Repo, Stack
from bot.ports import GitHub
from bot.services.ownership import Ownership
from bot.services.policies import LoadedPolicy


class Standing(StrEnum):
    """In what capacity somebody acts for an environment; the first that holds."""

    ADMIN = "an administrator"
    OWNER = "an owner"
    ONCALL = "on call"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Asks GitHub each time, because rights, teams and CODEOWNERS change."""

    github: GitHub
    ownership: Ownership

    async def standing(
        self, repo: Repo, loaded: LoadedPolicy, stacks: tuple[Stack, ...], login: Login
    ) -> frozenset[Standing]:
        """Return the capacities in which somebody may act for all of these stacks; empty without write access."""
        held = await self.github.permission(repo, login)
        if not held.allows(Permission.WRITE):
            return frozenset()
        found = {Standing.ADMIN} if held.allows(Permission.ADMIN) else set()
        if stacks and await self._owns_all(repo, loaded, stacks, login):
            found.add(Standing.OWNER)
        team = loaded.policy.oncall
        if team is not None and await self.github.is_team_member(*team, login):
            found.add(Standing.ONCALL)
        return frozenset(found)

    async def _owns_all(
        self, repo: Repo, loaded: LoadedPolicy, stacks: tuple[Stack, ...], login: Login
    ) -> bool:
        owners = await self.ownership.file_of(repo, loaded.commit)
        for stack in stacks:
            required = await asyncio.to_thread(required_paths, owners, stack, ())
            named = {owner.key: owner for each in required for owner in each.owners}
            if not await self._is_one_of(repo, tuple(named.values()), login):
                return False
        return True

    async def _is_one_of(self, repo: Repo, owners: tuple[Owner, ...], login: Login) -> bool:
        if any(owner.kind is OwnerKind.USER and owner.key == login.lower() for owner in owners):
            return True
        for owner in owners:
            org, _, slug = owner.key.partition("/")
            ours = owner.kind is OwnerKind.TEAM and org == repo.owner.lower()
            if ours and await self.github.is_team_member(org, slug, login):
                return True
        return False


def stacks_of(loaded: LoadedPolicy, repo: Repo, env: EnvName, *, pull: int | None) -> tuple[Stack, ...]:
    """Return the stacks of an environment."""
    return tuple(stack for stack in loaded.policy.stacks(repo.full_name, pull=pull) if stack.env == env)
