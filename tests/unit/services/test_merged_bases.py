"""A sync is of a base that holds what was merged: an older answer is asked for again, a rewritten base is reported."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.domain.core.errors import GatewrightError, GitHubLagError, MergeMissingError
from bot.domain.core.model import PullRequest, Repo, RunKind, Sha
from bot.services.planning.merged_bases import merged_as, require_merged
from tests.fakes.records import builders
from tests.fakes.records.builders import HEAD, NOON

REPO = Repo(owner="acme", name="infra", installation_id=1)
MERGE, OLD, TIP = Sha("1" * 40), Sha("2" * 40), Sha("3" * 40)


@dataclass
class History:
    """A mirror in which only the newest tip holds the merge."""

    asked: int = 0

    async def contains(self, _: Repo, *, tip: Sha, commit: Sha) -> bool:
        self.asked += 1
        return (tip, commit) == (TIP, MERGE)


def merged(**changes: Any) -> PullRequest:
    return builders.pull(**{"state": "closed", "merged": True, "merged_at": NOON, **changes})


async def ask(
    tip: Sha, *, commit: Sha | None = MERGE, seconds: float = 1, pull: PullRequest | None = None
) -> int:
    trees = History()
    now = NOON + timedelta(seconds=seconds)
    await require_merged(cast("Any", trees), REPO, pull or merged(), commit=commit, tip=tip, now=now)
    return trees.asked


async def test_a_tip_that_holds_the_merge_is_taken() -> None:
    assert await ask(TIP) == 1


async def test_where_no_merge_commit_is_named_nothing_is_asked() -> None:
    assert await ask(OLD, commit=None) == 0


@pytest.mark.parametrize(
    ("pull", "seconds", "expected"),
    [
        pytest.param(merged(), 1, GitHubLagError, id="just merged"),
        pytest.param(merged(), -30, GitHubLagError, id="our clock is behind GitHub's"),
        pytest.param(merged(), 3600, MergeMissingError, id="merged an hour ago"),
        pytest.param(merged(merged_at=None), 1, MergeMissingError, id="nobody says when"),
    ],
)
async def test_tip_without_merge_is_asked_for_again_for_a_while(
    pull: PullRequest, seconds: float, expected: type[GatewrightError]
) -> None:
    with pytest.raises(expected, match=r"main at 2222222 does not contain 1111111.*request 7") as raised:
        await ask(OLD, seconds=seconds, pull=pull)

    assert raised.value.temporary is (expected is GitHubLagError)


@pytest.mark.parametrize(
    ("kind", "head", "named", "expected"),
    [
        pytest.param(RunKind.SYNC, MERGE, MERGE, MERGE, id="a merge commit, a squash or a rebase"),
        pytest.param(RunKind.SYNC, MERGE, None, MERGE, id="GitHub names it no more"),
        pytest.param(RunKind.SYNC, HEAD, HEAD, HEAD, id="the head itself was pushed to the base"),
        pytest.param(RunKind.SYNC, HEAD, None, None, id="GitHub has never named one"),
        pytest.param(RunKind.PLAN, MERGE, MERGE, None, id="an ordinary plan"),
    ],
)
def test_a_sync_knows_what_its_pull_request_became(
    kind: RunKind, head: Sha, named: Sha | None, expected: Sha | None
) -> None:
    run = builders.run(kind=kind, head_sha=head)

    assert merged_as(run, merged(merge_commit=named)) == expected
