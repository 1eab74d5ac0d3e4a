"""Reading what the gate `codeowners` judges: the file, the reviews, and the rights of who gave them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.domain import codeowners
from bot.domain.approvals import (
    Required,
    Rights,
    Submitted,
    Verdict,
    Weighed,
    candidates,
    decide,
    required_paths,
    weigh,
)
from bot.domain.codeowners import CodeOwners, Owner, OwnerKind
from bot.domain.model import Login, Permission, PullRequest, Repo, Sha
from bot.domain.plan import PlanRecord
from bot.ports import GitHub, Records
from bot.services.stacks import Trees

_REMEMBERED_FILES = 32
_MOST_CANDIDATES = 20
"""Whose rights are asked for only so as not to propose somebody in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Asks GitHub anew each time: reviews, teams and rights change at any moment, only a commit's file does not."""

    github: GitHub
    records: Records
    trees: Trees
    _files: OrderedDict[tuple[str, Sha], CodeOwners] = field(default_factory=OrderedDict)

    async def verdict(
        self, repo: Repo, pull: PullRequest, plan: PlanRecord, *, policy_commit: Sha
    ) -> Verdict:
        """Say who has approved `plan`. CODEOWNERS is the one of `policy_commit`, on the default branch.

        Raises GatewrightError when any of the facts cannot be read.
        """
        tree = await self.trees.merged(repo, pull, base=plan.base_sha, head=plan.head_sha)
        owners = await self.file_of(repo, policy_commit)
        # A large file and thousands of paths are seconds of work, which must not hold up everything else.
        required = await asyncio.to_thread(required_paths, owners, plan.stack, tree.merge.changed_files)
        weighed = weigh(await self._submitted(repo, pull, plan))
        rights = await self._rights(repo, required, weighed)
        async with self.records.read() as reader:
            unknown = await reader.unknown_pushes(repo.full_name, pull.number)
        return replace(decide(required, weighed, rights, owners.problems), unknown_pushes=unknown)

    async def file_of(self, repo: Repo, commit: Sha) -> CodeOwners:
        """Return the CODEOWNERS of a commit, one without rules where there is no such file."""
        key = (repo.full_name, commit)
        if key not in self._files:
            self._files[key] = await self._read(repo, commit)
            while len(self._files) > _REMEMBERED_FILES:
                self._files.popitem(last=False)
        return self._files[key]

    async def _read(self, repo: Repo, commit: Sha) -> CodeOwners:
        for path in codeowners.LOCATIONS:
            text = await self.github.file(repo, path, commit)
            if text is not None:
                return await asyncio.to_thread(codeowners.parse, text)
        return CodeOwners()

    async def _submitted(self, repo: Repo, pull: PullRequest, plan: PlanRecord) -> Submitted:
        reviews = await self.github.reviews(repo, pull.number)
        committers = await self.github.committers(repo, pull.number)
        async with self.records.read() as reader:
            pushers = await reader.pushers(repo.full_name, pull.number)
            plans = await reader.plans(repo=repo.full_name, pull=pull.number, stack=plan.stack)
            void = await reader.approvals_void_before(repo.full_name, pull.number)
        return Submitted(
            reviews=[each for each in reviews if void is None or each.submitted_at >= void],
            author=pull.author,
            pushers=committers | pushers,
            head=pull.head_sha,
            plan=plan,
            plans=plans,
        )

    async def _rights(self, repo: Repo, required: Sequence[Required], weighed: Weighed) -> Rights:
        named = candidates(required, weighed)[:_MOST_CANDIDATES]
        people = {login.lower(): login for login in (*named, *weighed.approvals.values())}
        writes = {who: await self._writes(repo, login) for who, login in people.items()}
        teams = {
            owner.key: await self._members(repo, owner, weighed.approvals.values())
            for owner in _teams(required)
        }
        return Rights(writes=writes, members=teams)

    async def _writes(self, repo: Repo, login: Login) -> bool:
        return (await self.github.permission(repo, login)).allows(Permission.WRITE)

    async def _members(self, repo: Repo, team: Owner, logins: Iterable[Login]) -> frozenset[str]:
        org, _, slug = team.key.partition("/")
        if org != repo.owner.lower():
            return frozenset()  # GitHub lets only teams of the repository's own organisation own code.
        return frozenset(
            [login.lower() for login in logins if await self.github.is_team_member(org, slug, login)]
        )


def _teams(required: Iterable[Required]) -> Iterable[Owner]:
    owners = {owner.key: owner for each in required for owner in each.owners}
    return [owner for owner in owners.values() if owner.kind is OwnerKind.TEAM]
