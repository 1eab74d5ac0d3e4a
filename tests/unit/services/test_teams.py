"""Teams have a say in a repository only where they may write to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from bot.domain.core.accounts import Account, Login
from bot.domain.core.model import EnvName, Permission, Repo, Sha
from bot.policy import load_policy
from bot.ports import GitHub, Records
from bot.services.access.capacities import People, Standing, stacks_of
from bot.services.access.code_owners import Ownership
from bot.services.access.permissions import Access
from bot.services.access.pushes import PushRecords
from bot.services.stacks.policies import LoadedPolicy
from bot.services.stacks.touched import Trees
from tests.fakes.accounts import account

REPO = Repo(owner="acme", name="infra", installation_id=1)
TEXT = (Path(__file__).parents[3] / "gatewright.yaml").read_text(encoding="utf-8")


@dataclass
class Teams:
    """Every team has `owner` as its member, and `held` as its right; CODEOWNERS names the team `platform`."""

    held: Permission

    async def permission(self, repo: Repo, who: Account) -> Permission:
        del repo, who
        return Permission.WRITE

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        del org, team
        return login == "owner"

    async def team_permission(self, repo: Repo, org: str, team: str) -> Permission:
        del repo, org, team
        return self.held

    async def file(self, repo: Repo, path: str, commit: Sha) -> str | None:
        del repo, commit
        return "* @acme/platform\n" if path == ".github/CODEOWNERS" else None


@pytest.mark.parametrize(
    ("held", "has_say"),
    [
        (Permission.NONE, False),
        (Permission.READ, False),
        (Permission.TRIAGE, False),
        (Permission.WRITE, True),
        (Permission.ADMIN, True),
    ],
)
async def test_members_may_apply_where_their_team_may_write(
    held: Permission,
    has_say: bool,  # noqa: FBT001
) -> None:
    policy = load_policy(TEXT.replace("allow: write", 'allow: "@acme/appliers"'))
    access = Access(github=cast("GitHub", Teams(held)))

    assert await access.may_apply(REPO, policy.environment("staging"), account("owner")) is has_say
    assert not await access.may_apply(REPO, policy.environment("staging"), account("dev"))


@pytest.mark.parametrize(("held", "has_say"), [(Permission.TRIAGE, False), (Permission.WRITE, True)])
async def test_teams_answer_for_an_environment_where_they_may_write(
    held: Permission,
    has_say: bool,  # noqa: FBT001
) -> None:
    github = cast("GitHub", Teams(held))
    ownership = Ownership(
        github=github,
        records=cast("Records", None),
        trees=cast("Trees", None),
        pushes=cast("PushRecords", None),
    )
    loaded = LoadedPolicy(policy=load_policy(f'{TEXT}\noncall: "@acme/oncall"\n'), commit=Sha("a" * 40))
    stacks = stacks_of(loaded, REPO, EnvName("staging"), pull=None)

    standing = await People(github=github, ownership=ownership).standing(
        REPO, loaded, stacks, account("owner")
    )

    assert standing == ({Standing.OWNER, Standing.ONCALL} if has_say else frozenset())
