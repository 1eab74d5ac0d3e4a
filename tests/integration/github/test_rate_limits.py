from __future__ import annotations

import asyncio

import pytest

from bot.domain.core.errors import GitHubError, GitHubUnavailableError
from bot.domain.core.model import Repo, Sha
from bot.ports import Check
from tests.fakes.accounts import account
from tests.fakes.clock import PassingTime
from tests.integration.github.conftest import MakeApp
from tests.integration.github.scripted import EXPIRY, TOKENS, Scripted, ScriptedGitHub

REF = "/repos/acme/infra/git/ref/heads/main"
TIP = Scripted(data={"ref": "refs/heads/main", "object": {"sha": "a" * 40}})
FIRST_TOKEN = Scripted(status=201, data={"token": "ghs_short-lived-secret", "expires_at": EXPIRY})
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


def primary(time: PassingTime, *, seconds: int, status: int = 403) -> Scripted:
    reset = int(time.now().timestamp()) + seconds
    headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    return Scripted(status=status, data={"message": "API rate limit exceeded"}, headers=headers)


@pytest.mark.parametrize("status", [403, 429])
async def test_retry_after_is_obeyed(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime, status: int
) -> None:
    limited = Scripted(status=status, data=SECONDARY, headers={"retry-after": "7"})
    scripted.answer("GET", REF, limited, TIP)

    await make_app().branch_head(repo, "main")

    assert time.slept == [7.0]


@pytest.mark.parametrize(
    "limited",
    [
        Scripted(status=403, data=SECONDARY),
        Scripted(status=429, data={"message": "Too many requests"}),
        Scripted(status=429, data=SECONDARY, headers={"retry-after": "soon"}),
    ],
    ids=["403 by its text", "429 without a header", "429 with an odd header"],
)
async def test_a_secondary_limit_without_a_time_waits_a_minute(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime, limited: Scripted
) -> None:
    scripted.answer("GET", REF, limited, TIP)

    await make_app().branch_head(repo, "main")

    assert time.slept == [60.0]


@pytest.mark.parametrize("status", [403, 429])
async def test_the_primary_limit_is_waited_for_when_it_ends_soon(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime, status: int
) -> None:
    scripted.answer("GET", REF, primary(time, seconds=30, status=status), TIP)

    await make_app().branch_head(repo, "main")

    assert time.slept == [31.0]


async def test_a_limit_that_ends_late_is_told_with_its_time(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    scripted.answer("GET", REF, primary(time, seconds=1800))

    with pytest.raises(GitHubUnavailableError, match="rate limiting") as caught:
        await make_app().branch_head(repo, "main")

    assert caught.value.retry_after == 1801.0
    assert time.slept == []


async def test_nobody_asks_while_the_limit_lasts(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    app = make_app()
    scripted.answer("GET", REF, primary(time, seconds=1800), TIP)
    with pytest.raises(GitHubUnavailableError):
        await app.branch_head(repo, "main")

    with pytest.raises(GitHubUnavailableError) as caught:
        await app.branch_head(repo, "main")
    refused = len(scripted.calls("GET", REF))
    await time.sleep(1801)
    sha = await app.branch_head(repo, "main")

    assert refused == 1
    assert caught.value.retry_after == 1801.0
    assert sha == "a" * 40


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "31536000"},
        {"retry-after": "1e300"},
        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"},
    ],
    ids=["a year", "for ever", "a reset by another clock"],
)
async def test_overlong_limit_does_not_stop_requests_for_good(
    make_app: MakeApp,
    scripted: ScriptedGitHub,
    repo: Repo,
    time: PassingTime,
    headers: dict[str, str],
) -> None:
    app = make_app()
    later = {"token": "ghs_another", "expires_at": "2026-03-01T14:30:00Z"}
    scripted.answer("POST", TOKENS, FIRST_TOKEN, Scripted(status=201, data=later))
    scripted.answer("GET", REF, Scripted(status=429, data=SECONDARY, headers=headers), TIP)
    with pytest.raises(GitHubUnavailableError) as caught:
        await app.branch_head(repo, "main")

    await time.sleep(2 * 3600)
    sha = await app.branch_head(repo, "main")

    assert sha == "a" * 40
    assert caught.value.retry_after is not None
    assert 3600 <= caught.value.retry_after <= 2 * 3600


async def test_a_plain_refusal_is_no_rate_limit(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    headers = {
        "x-ratelimit-remaining": "4999",
        "x-ratelimit-limit": "5000",
        "x-ratelimit-reset": "1772370000",
    }
    refused = Scripted(
        status=403, data={"message": "Resource not accessible by integration"}, headers=headers
    )
    scripted.answer("GET", "/repos/acme/infra/collaborators/dev/permission", refused)

    with pytest.raises(GitHubError, match="Resource not accessible by integration") as caught:
        await make_app().permission(repo, account("dev"))

    assert not isinstance(caught.value, GitHubUnavailableError)
    assert time.slept == []


COMMENTS = "/repos/acme/infra/issues/5/comments"
COMMENT = "/repos/acme/infra/issues/comments/1"
CHECKS = "/repos/acme/infra/check-runs"
WRITTEN = {
    "id": 1,
    "node_id": "IC_1",
    "user": None,
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}


async def test_a_burst_of_comments_and_reactions_waits_for_nothing(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    app = make_app()
    scripted.answer("POST", COMMENTS, Scripted(status=201, data=WRITTEN))
    scripted.answer("POST", f"{COMMENT}/reactions", Scripted(status=201, data={}))

    await asyncio.gather(*(app.comment(repo, 5, f"number {number}") for number in range(20)))
    await app.react(repo, 1, "eyes")

    assert time.slept == []
    bodies = [each.body["body"] for each in scripted.calls("POST", COMMENTS)]
    assert bodies == [f"number {number}" for number in range(20)]


async def test_only_the_newest_text_of_a_comment_is_written(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()
    scripted.answer("PATCH", COMMENT, Scripted(data=WRITTEN))

    posted = await asyncio.gather(*(app.update_comment(repo, 1, f"text {number}") for number in range(3)))

    assert [each.body["body"] for each in scripted.calls("PATCH", COMMENT)] == ["text 2"]
    assert [each.id for each in posted] == [1, 1, 1]


async def test_comments_are_written_before_checks(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()
    scripted.answer("POST", COMMENTS, Scripted(status=201, data=WRITTEN))
    scripted.answer("POST", CHECKS, Scripted(status=201, data={"id": 1}))
    check = Check(name="plan", head_sha=Sha("a" * 40), title="Planned", summary="", conclusion="success")

    await asyncio.gather(
        *(app.create_check(repo, check) for _ in range(3)), *(app.comment(repo, 5, "x") for _ in range(3))
    )

    paths = [call.path for call in scripted.seen if call.path in {COMMENTS, CHECKS}]
    assert paths == [COMMENTS] * 3 + [CHECKS] * 3


async def test_a_limited_comment_keeps_its_place_before_the_next(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    app = make_app()
    limited = Scripted(status=403, data=SECONDARY, headers={"retry-after": "7"})
    scripted.answer("POST", COMMENTS, limited, Scripted(status=201, data=WRITTEN))

    await asyncio.gather(*(app.comment(repo, 5, f"number {number}") for number in range(3)))

    bodies = [each.body["body"] for each in scripted.calls("POST", COMMENTS)]
    assert bodies[0] == "number 0"
    assert sorted(bodies[1:]) == ["number 0", "number 1", "number 2"]
    assert time.passed >= 7
