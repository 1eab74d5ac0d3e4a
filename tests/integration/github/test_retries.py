from __future__ import annotations

import asyncio

import pytest

from bot.domain.core.errors import GitHubError, GitHubNotFoundError, GitHubUnavailableError
from bot.domain.core.model import Repo, Sha
from bot.ports import Check
from tests.fakes.accounts import account
from tests.fakes.clock import PassingTime
from tests.integration.github.conftest import MakeApp
from tests.integration.github.scripted import TOKENS, Scripted, ScriptedGitHub, Seen

REF = "/repos/acme/infra/git/ref/heads/main"
COMMENTS = "/repos/acme/infra/issues/5/comments"
TIP = Scripted(data={"ref": "refs/heads/main", "object": {"sha": "a" * 40}})
HEADER = '<!-- gatewright {"kind": "apply"} -->'


def comment(
    body: str, *, at: str = "2026-03-01T12:00:00Z", author: str = "gatewright[bot]"
) -> dict[str, object]:
    return {
        "id": 9,
        "node_id": "IC_9",
        "body": body,
        "user": {"login": author, "id": 9, "type": "Bot"},
        "created_at": at,
        "updated_at": at,
        "performed_via_github_app": None,
    }


@pytest.mark.parametrize(
    "failure",
    [
        Scripted(status=500, data={"message": "oops"}),
        Scripted(status=502, text="<html>Bad Gateway</html>", headers={"content-type": "text/html"}),
        Scripted(status=520, data={"message": "a proxy's own status"}),
        Scripted(status=503, text="{cut", headers={"content-type": "application/json"}),
        Scripted(status=200, text="{cut", headers={"content-type": "application/json"}),
        Scripted(drop=True),
    ],
    ids=["500", "502 page", "unknown 5xx", "503 with broken JSON", "200 with broken JSON", "cut connection"],
)
async def test_a_temporary_failure_is_retried_until_the_answer_comes(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, failure: Scripted
) -> None:
    scripted.answer("GET", REF, failure, failure, failure, TIP)

    sha = await make_app().branch_head(repo, "main")

    assert sha == "a" * 40


async def test_waits_grow_with_jitter_and_end_with_patience(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    scripted.answer("GET", REF, Scripted(status=503, data={"message": "no server is available"}))
    time.chance = 0.5

    with pytest.raises(GitHubUnavailableError) as caught:
        await make_app(patience=30.0).branch_head(repo, "main")

    assert str(caught.value) == (
        "reading the tip of main in acme/infra: GitHub answered 503 (no server is available)"
    )
    assert caught.value.status == 503
    assert time.slept == [0.375, 0.75, 1.5, 3.0, 6.0, 11.25]
    assert sum(time.slept) <= 30.0


async def test_a_server_that_never_answers_is_given_up(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    never = asyncio.Event()
    scripted.answer("GET", REF, TIP)
    scripted.hold(REF, never)

    with pytest.raises(GitHubUnavailableError, match="GitHub did not answer in time"):
        await make_app(request_timeout=0.05, patience=1.0).branch_head(repo, "main")

    never.set()
    assert len(scripted.calls("GET", REF)) > 1


async def test_an_unreachable_server_is_unavailable(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()
    await scripted.stop()

    with pytest.raises(GitHubUnavailableError, match="GitHub could not be reached"):
        await app.pull(repo, 5)


@pytest.mark.parametrize("status", [400, 403, 409, 422, 451])
async def test_a_refusal_is_not_retried(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, status: int
) -> None:
    scripted.answer("POST", COMMENTS, Scripted(status=status, data={"message": "no"}))

    with pytest.raises(
        GitHubError, match=rf"commenting on acme/infra#5: GitHub answered {status} \(no\)"
    ) as caught:
        await make_app().comment(repo, 5, "hello")

    assert caught.value.status == status
    assert not isinstance(caught.value, GitHubNotFoundError | GitHubUnavailableError)
    assert len(scripted.calls("POST", COMMENTS)) == 1


async def test_a_bad_token_is_renewed_once_only(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("GET", REF, Scripted(status=401, data={"message": "Bad credentials"}))

    with pytest.raises(GitHubError, match="Bad credentials"):
        await make_app().branch_head(repo, "main")

    assert len(scripted.calls("GET", REF)) == 2
    assert len(scripted.calls("POST", TOKENS)) == 2


async def test_a_comment_that_arrived_is_not_written_again(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("POST", COMMENTS, Scripted(status=502, data=None))
    scripted.answer("GET", COMMENTS, Scripted(data=[comment(f"{HEADER}\nolder text")]))

    posted = await make_app().comment(repo, 5, f"{HEADER}\napplied")

    assert posted.id == 9
    assert len(scripted.calls("POST", COMMENTS)) == 1
    assert scripted.calls("GET", COMMENTS)[0].query["since"] == "2026-03-01T11:59:00Z"


@pytest.mark.parametrize(
    "other",
    [
        comment('<!-- gatewright {"kind": "plan"} -->'),
        comment(HEADER, author="another-app[bot]"),
        comment(HEADER, at="2026-03-01T11:00:00Z"),
        comment(f"quoting:\n{HEADER}"),
    ],
    ids=["another kind", "another bot's", "an earlier one, changed since", "not the first line"],
)
async def test_another_comment_is_not_taken_for_the_lost_one(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, other: dict[str, object]
) -> None:
    written = Scripted(status=201, data={**comment(HEADER), "id": 10})
    scripted.answer("POST", COMMENTS, Scripted(drop=True), written)
    scripted.answer("GET", COMMENTS, Scripted(data=[other]))

    posted = await make_app().comment(repo, 5, f"{HEADER}\napplied")

    assert posted.id == 10


async def test_rate_limited_comment_was_not_written_and_is_not_searched(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    limited = Scripted(status=429, data={"message": "slow down"}, headers={"retry-after": "5"})
    scripted.answer("POST", COMMENTS, limited, Scripted(status=201, data=comment(HEADER)))

    await make_app().comment(repo, 5, HEADER)

    assert scripted.calls("GET", COMMENTS) == []


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ({"external_id": "5", "app": {"id": 12345}, "started_at": "2026-03-01T12:00:01Z"}, True),
        ({"external_id": "5", "app": {"id": 999}, "started_at": "2026-03-01T12:00:01Z"}, False),
        ({"external_id": "6", "app": {"id": 12345}, "started_at": "2026-03-01T12:00:01Z"}, False),
        ({"external_id": "5", "app": {"id": 12345}, "started_at": "2026-03-01T11:00:00Z"}, False),
        ({"external_id": "5", "app": {"id": 12345}, "started_at": None}, False),
    ],
    ids=["just started", "another app's", "another id", "an earlier one", "of unknown time"],
)
async def test_only_the_check_just_made_is_taken_for_the_lost(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, listed: dict[str, object], *, found: bool
) -> None:
    head = "b" * 40
    create, runs = "/repos/acme/infra/check-runs", f"/repos/acme/infra/commits/{head}/check-runs"
    scripted.answer("POST", create, Scripted(drop=True), Scripted(status=201, data={"id": 2}))
    scripted.answer("GET", runs, Scripted(data={"check_runs": [{"id": 1, **listed}]}))
    check = Check(
        name="gatewright/plan",
        head_sha=Sha(head),
        conclusion="success",
        title="t",
        summary="s",
        external_id="5",
    )

    assert await make_app().create_check(repo, check) == (1 if found else 2)


async def test_answer_of_another_shape_is_error_that_names_field_only(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    wrong = {"ref": "refs/heads/main", "object": {"sha": "not-a-sha-and-not-to-be-shown"}}
    scripted.answer("GET", REF, Scripted(data=wrong))

    with pytest.raises(GitHubError, match=r"GitHub's answer is not as documented \(object.sha\)") as caught:
        await make_app().branch_head(repo, "main")

    assert "not-to-be-shown" not in repr(caught.getrepr(chain=True, style="long").reprcrash)


async def test_a_cancelled_call_lets_the_next_one_through(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app(max_requests=1)
    gate = asyncio.Event()
    scripted.answer("GET", REF, TIP)
    scripted.hold(REF, gate)
    first = asyncio.create_task(app.branch_head(repo, "main"))
    await scripted.arrived()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    gate.set()

    assert await app.branch_head(repo, "main") == "a" * 40


async def test_no_more_requests_run_at_once_than_allowed(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app(max_requests=3)
    gate = asyncio.Event()
    scripted.answer("GET", REF, TIP)
    await app.branch_head(repo, "main")
    scripted.hold(REF, gate)
    calls = [asyncio.create_task(app.branch_head(repo, "main")) for _ in range(10)]

    await scripted.arrived(count=3)
    most = scripted.held
    gate.set()
    await asyncio.gather(*calls)

    assert most == 3
    assert scripted.most_held == 3


async def test_every_request_is_counted_by_route_and_not_by_name(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    counted: list[tuple[str, str, int]] = []
    app = make_app(on_request=lambda method, route, status, _: counted.append((method, route, status)))
    cut = Scripted(drop=True)
    # A read that a kept connection cut is repeated once by the HTTP client itself, uncounted.
    scripted.answer("GET", REF, Scripted(status=502, data=None), cut, cut, TIP)

    await app.branch_head(repo, "main")

    route = "/repos/{owner}/{repo}/git/ref{/ref*}"
    assert counted == [
        ("POST", "/app/installations/{installation_id}/access_tokens", 201),
        ("GET", route, 502),
        ("GET", route, 0),
        ("GET", route, 200),
    ]


async def test_no_secret_is_told_in_an_error(make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo) -> None:
    def echo(seen: Seen) -> Scripted:
        return Scripted(status=400, data={"message": f"you sent {seen.headers['authorization']}"})

    scripted.answer("GET", "/repos/acme/infra/collaborators/dev/permission", echo)

    with pytest.raises(GitHubError) as caught:
        await make_app().permission(repo, account("dev"))

    assert "ghs_short-lived-secret" not in str(caught.value)


async def test_token_that_answer_repeats_is_told_not_even_in_part(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    said = f"{'x' * 285} ghs_short-lived-secret"
    scripted.answer("GET", REF, Scripted(status=400, data={"message": said}))

    with pytest.raises(GitHubError) as raised:
        await make_app().branch_head(repo, "main")

    assert "ghs_" not in str(raised.value)
