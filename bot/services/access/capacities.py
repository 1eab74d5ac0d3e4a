"""In what capacity a person acts for an environment: owner, on-call, administrator."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, Permission, Repo, Stack
from bot.domain.gates.approvals import required_paths
from bot.domain.gates.codeowners import Owner, OwnerKind
from bot.ports import GitHub
from bot.services.access.code_owners import Ownership
from bot.services.access.teams import has_say
from bot.services.stacks.policies import LoadedPolicy


class Standing(StrEnum):
    """The capacity in which a person acts; the first that applies."""

    ADMIN = "an administrator"
    OWNER = "an owner"
    ONCALL = "on call"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Looks up capacities at GitHub each time, because rights, teams and CODEOWNERS change."""

    github: GitHub
    ownership: Ownership

    async def standing(
        self, repo: Repo, loaded: LoadedPolicy, stacks: tuple[Stack, ...], account: Account
    ) -> frozenset[Standing]:
        """Return a person's capacities for all of these stacks; empty without write access."""
        held = await self.github.permission(repo, account)
        if not held.allows(Permission.WRITE):
            return frozenset()
        found = {Standing.ADMIN} if held.allows(Permission.ADMIN) else set()
        if stacks and await self._owns_all(repo, loaded, stacks, account):
            found.add(Standing.OWNER)
        team = loaded.policy.oncall
        if team is not None and await has_say(self.github, repo, team, account.login):
            found.add(Standing.ONCALL)
        return frozenset(found)

    async def _owns_all(
        self, repo: Repo, loaded: LoadedPolicy, stacks: tuple[Stack, ...], account: Account
    ) -> bool:
        owners = await self.ownership.file_of(repo, loaded.commit)
        for stack in stacks:
            required = await asyncio.to_thread(required_paths, owners, stack, ())
            named = {owner.key: owner for each in required for owner in each.owners}
            if not await self._is_one_of(repo, tuple(named.values()), account):
                return False
        return True

    async def _is_one_of(self, repo: Repo, owners: tuple[Owner, ...], account: Account) -> bool:
        if any(owner.kind is OwnerKind.USER and owner.key == account.login.lower() for owner in owners):
            return True
        for owner in owners:
            org, _, slug = owner.key.partition("/")
            ours = owner.kind is OwnerKind.TEAM and org == repo.owner.lower()
            if ours and await has_say(self.github, repo, (org, slug), account.login):
                return True
        return False


def stacks_of(loaded: LoadedPolicy, repo: Repo, env: EnvName, *, pull: int | None) -> tuple[Stack, ...]:
    """Return the stacks of an environment."""
    return tuple(stack for stack in loaded.policy.stacks(repo.full_name, pull=pull) if stack.env == env)
