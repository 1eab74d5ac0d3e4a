from __future__ import annotations

import pytest

from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo
from tests.integration.github.conftest import MakeApp
from tests.integration.github.pulls import PULLS, pull
from tests.integration.github.scripted import Scripted, ScriptedGitHub

BRANCH = "gatewright/revert-1"


async def open_one(make_app: MakeApp, repo: Repo) -> int:
    return await make_app().open_pull(repo, branch=BRANCH, base="main", title="Revert #1", body="…")


@pytest.mark.parametrize(
    "lost", [Scripted(status=502, data=None), Scripted(drop=True)], ids=["502", "cut connection"]
)
async def test_pull_request_opened_is_found_when_the_answer_was_lost(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, lost: Scripted
) -> None:
    there = Scripted(status=422, data={"message": "Validation Failed"})
    scripted.answer("GET", PULLS, Scripted(data=[]), Scripted(data=[pull(9)]))
    scripted.answer("POST", PULLS, lost, there)

    number = await open_one(make_app, repo)

    assert number == 9
    assert len(scripted.calls("POST", PULLS)) == 1


async def test_unopened_pull_request_is_opened_by_the_next_attempt(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("GET", PULLS, Scripted(data=[]))
    scripted.answer("POST", PULLS, Scripted(status=502, data=None), Scripted(status=201, data=pull(9)))

    number = await open_one(make_app, repo)

    assert number == 9
    assert len(scripted.calls("POST", PULLS)) == 2


async def test_pull_request_that_github_refuses_is_error_with_its_words(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("GET", PULLS, Scripted(data=[]))
    scripted.answer("POST", PULLS, Scripted(status=422, data={"message": "No commits between main and it"}))

    with pytest.raises(GitHubError, match="No commits between main and it"):
        await open_one(make_app, repo)
