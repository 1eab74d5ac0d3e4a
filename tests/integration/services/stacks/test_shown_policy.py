"""Under which policy checks are shown: a merge may wait for them, so one that is out of date must not make them green."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import EnvName, Repo, Sha
from bot.ports import GitHub
from bot.services.stacks.policies import Policies
from tests.fakes.clock import HandClock
from tests.integration.services.scene import POLICY, REPOSITORY

OLD, NEW, BROKEN = POLICY + "merge_requires: []\n", POLICY + "merge_requires: [staging]\n", "version: maybe\n"


@dataclass
class Branch:
    """A default branch whose newest commit brings one text after the other."""

    texts: list[str | None] = field(default_factory=list)

    async def branch_head(self, *_: object) -> Sha:
        return Sha(f"{len(self.texts):040x}")

    async def file(self, *_: object) -> str | None:
        return self.texts[-1]


def policies(records: Database, branch: Branch) -> Policies:
    return Policies(github=cast("GitHub", branch), records=records, clock=HandClock())


async def required(one: Policies, repo: Repo = REPOSITORY) -> tuple[EnvName, ...] | None:
    shown = await one.shown(repo)
    return None if shown is None else tuple(shown.merge_requires)


async def test_what_another_process_has_read_counts(records: Database) -> None:
    # Given two processes, of which one has read an older policy,
    branch = Branch([OLD])
    one, other = policies(records, branch), policies(records, branch)
    assert await required(one) == ()
    # when the other reads a newer one, and then the older one once more,
    for text, expected in ((NEW, ("staging",)), (OLD, ()), (NEW, ("staging",))):
        branch.texts.append(text)
        await other.load(REPOSITORY)
        # then both show checks under that.
        assert (await required(one), await required(other)) == (expected, expected)


@pytest.mark.parametrize("after", [BROKEN, None], ids=["broken", "deleted"])
async def test_a_policy_that_breaks_leaves_no_check_as_it_was(records: Database, after: str | None) -> None:
    # Given a policy that was in force until the server stopped,
    branch = Branch([NEW])
    await policies(records, branch).load(REPOSITORY)
    branch.texts.append(after)
    # when what ended meanwhile is shown, then it is under that policy.
    assert await required(policies(records, branch)) == ("staging",)


async def test_without_any_valid_policy_nothing_is_shown(records: Database) -> None:
    assert await required(policies(records, Branch([BROKEN]))) is None
