"""Read the facts of the gate `codeowners`: the file, the reviews and the reviewers' rights."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bot.domain.core.accounts import Account, recorded
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.domain.gates import codeowners
from bot.domain.gates.approvals import (
    APPROVED,
    Required,
    ReviewTally,
    Rights,
    SubmittedReviews,
    Verdict,
    candidates,
    decide,
    required_paths,
    tally_reviews,
)
from bot.domain.gates.codeowners import CodeOwners, Owner, OwnerKind
from bot.domain.plans.plan import PlanRecord
from bot.ports import Collaborator, GitHub, Records
from bot.services.access.pushes import PushHistory, PushRecords, barred_people
from bot.services.access.teams import may_write
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import Trees

_REMEMBERED_FILES = 32
_MOST_CANDIDATES = 20
"""Maximum number of owners whose rights are checked so that the gate names only useful ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Reads code ownership.

    GitHub is asked each time for reviews, teams and rights; files are cached by commit.
    """

    github: GitHub
    records: Records
    trees: Trees
    pushes: PushRecords
    _files: OrderedDict[tuple[str, Sha], CodeOwners] = field(default_factory=OrderedDict)

    async def verdict(
        self, repo: Repo, pull: PullRequest, plan: PlanRecord, *, loaded: LoadedPolicy
    ) -> Verdict:
        """Return who has approved `plan`, by the CODEOWNERS file of the policy's commit.

        Raises GatewrightError when any of the facts cannot be read.
        """
        tree = await self.trees.merged(repo, pull, base=plan.base_sha, head=plan.head_sha)
        owners = await self.file_of(repo, loaded.commit)
        # A large file and thousands of paths are seconds of work, which must not hold up everything else.
        required = await asyncio.to_thread(required_paths, owners, plan.stack, tree.merge.changed_files)
        history = await self.pushes.of(
            repo,
            pull,
            base=plan.base_sha,
            head=plan.head_sha,
            trusted=loaded.policy.trusted_pushers,
        )
        tally = tally_reviews(await self._submitted(repo, pull, plan, history))
        rights = await self._rights(repo, required, tally)
        return replace(decide(required, tally, rights, owners.problems), unknown_heads=history.pushed.unknown)

    async def file_of(self, repo: Repo, commit: Sha) -> CodeOwners:
        """Return the CODEOWNERS file of a commit, without rules if there is none."""
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

    async def _submitted(
        self, repo: Repo, pull: PullRequest, plan: PlanRecord, history: PushHistory
    ) -> SubmittedReviews:
        reviews = await self.github.reviews(repo, pull.number)
        committers = await self.github.committers(repo, pull.number)
        async with self.records.read() as reader:
            older = await reader.pushers(repo.full_name, pull.number)
            reported = await reader.submitted_reviews(repo.full_name, pull.number)
            plans = await reader.plans(repo=repo.full_name, pull=pull.number, stack=plan.stack)
            void = await reader.approvals_void_before(repo.full_name, pull.number)
        # A plan of another head is refused in any case; approvals of its commits say nothing of the newest.
        heads = history.lineage.equal_heads if pull.head_sha == plan.head_sha else {pull.head_sha}
        known = {each.id: each.commit_id for each in reported if each.commit_id is not None}
        is_lost = any(each.state == APPROVED and each.id not in known for each in reviews)
        return SubmittedReviews(
            reviews=[each for each in reviews if void is None or each.submitted_at >= void],
            reported=known,
            author=pull.author,
            pushers=barred_people(
                history, committers.items(), [recorded(login, None) for login in sorted(older)]
            ),
            heads=frozenset(heads),
            last_push_at=await self.pushes.last_moved(repo, pull, history) if is_lost else None,
            plan=plan,
            plans=plans,
        )

    async def _rights(self, repo: Repo, required: Sequence[Required], tally: ReviewTally) -> Rights:
        named = candidates(required, tally)[:_MOST_CANDIDATES]
        approving = {account.login.lower(): account.login for account in tally.approvals.values()}
        logins = {login.lower(): login for login in named} | approving
        found = {key: await self.github.collaborator(repo, login) for key, login in logins.items()}
        writes = {login.lower(): _writes(found[login.lower()]) for login in named}
        # The account that has an approver's login now may be another than the one that approved.
        writes |= {
            who: _writes(found[account.login.lower()], account) for who, account in tally.approvals.items()
        }
        approvers, teams = tally.approvals.values(), list(_teams(required))
        return Rights(
            writes=writes,
            members={owner.key: await self._members(repo, owner, approvers) for owner in teams},
            without_access=frozenset([owner.key for owner in teams if not await self._has_say(repo, owner)]),
        )

    async def _has_say(self, repo: Repo, team: Owner) -> bool:
        """Whether a team may own code.

        As on GitHub, only teams with write access of the repository's own organisation count.
        """
        org, _, slug = team.key.partition("/")
        return org == repo.owner.lower() and await may_write(self.github, repo, (org, slug))

    async def _members(self, repo: Repo, team: Owner, approvers: Iterable[Account]) -> frozenset[str]:
        org, _, slug = team.key.partition("/")
        if org != repo.owner.lower():
            return frozenset()
        return frozenset(
            [
                each.login.lower()
                for each in approvers
                if await self.github.is_team_member(org, slug, each.login)
            ]
        )


def _writes(found: Collaborator | None, account: Account | None = None) -> bool:
    """Whether a collaborator, who must be this account where one is named, may write."""
    if found is None or not found.permission.allows(Permission.WRITE):
        return False
    return account is None or found.account.is_certainly(account)


def _teams(required: Iterable[Required]) -> Iterable[Owner]:
    owners = {owner.key: owner for each in required for owner in each.owners}
    return [owner for owner in owners.values() if owner.kind is OwnerKind.TEAM]
