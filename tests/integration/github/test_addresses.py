"""Where requests go: always to the configured API, whatever answers say."""

from __future__ import annotations

import pytest

from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Repo
from tests.fakes.accounts import account
from tests.integration.github.conftest import MakeApp
from tests.integration.github.pulls import PULLS, pull
from tests.integration.github.scripted import Scripted, ScriptedGitHub, Seen

REF = "/repos/acme/infra/git/ref/heads/main"
TIP = Scripted(data={"ref": "refs/heads/main", "object": {"sha": "a" * 40}})


async def test_requests_keep_the_base_path_and_name_their_version(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("GET", REF, TIP)

    await make_app(user_agent="gatewright/1.0").branch_head(repo, "main")

    seen = scripted.calls("GET", REF)[0]
    assert seen.headers["x-github-api-version"] == "2022-11-28"
    assert seen.headers["user-agent"] == "gatewright/1.0"
    assert seen.headers["accept"] == "application/vnd.github+json"


async def test_a_base_with_a_trailing_slash_is_the_same(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    scripted.answer("GET", REF, TIP)

    assert await make_app(base_url=f"{scripted.api_url}/").branch_head(repo, "main") == "a" * 40


async def test_a_renamed_repository_is_followed_on_the_same_origin(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    there = "/repositories/42/git/ref/heads/main"
    scripted.answer("GET", REF, Scripted(status=301, headers={"location": f"{scripted.api_url}{there}"}))
    scripted.answer("GET", there, TIP)

    assert await make_app().branch_head(repo, "main") == "a" * 40


async def test_a_redirected_write_stays_a_write_with_its_body(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    here, there = (
        "/repos/acme/infra/issues/comments/1/reactions",
        "/repositories/42/issues/comments/1/reactions",
    )
    scripted.answer("POST", here, Scripted(status=301, headers={"location": f"/api/v3{there}"}))
    scripted.answer("POST", there, Scripted(status=201, data={}))

    await make_app().react(repo, 1, "eyes")

    assert scripted.calls("POST", there)[0].body == {"content": "eyes"}


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:9/api/v3/x", "http://localhost/x", "https://evil.example/x"]
)
async def test_a_redirect_to_another_origin_is_refused(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, location: str
) -> None:
    scripted.answer("GET", REF, Scripted(status=302, headers={"location": location}))

    with pytest.raises(GitHubError, match="another host, to which no token is sent"):
        await make_app().branch_head(repo, "main")

    assert len(scripted.calls("GET", REF)) == 1


async def test_a_circle_of_redirects_ends(make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo) -> None:
    scripted.answer("GET", REF, Scripted(status=302, headers={"location": f"/api/v3{REF}"}))

    with pytest.raises(GitHubError):
        await make_app(patience=1.0).branch_head(repo, "main")


async def test_pages_are_counted_and_address_in_link_is_never_followed(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    def listed(seen: Seen) -> Scripted:
        first = 100 * (int(seen.query["page"]) - 1) + 1
        link = '<https://evil.example/steal?page=2>; rel="next", <https://evil.example/last>; rel="last"'
        headers = {"link": link} if first < 201 else {}
        return Scripted(
            data=[pull(number) for number in range(first, min(first + 100, 251))], headers=headers
        )

    scripted.answer("GET", PULLS, listed)

    told = await make_app().open_pulls(repo)

    assert [each.number for each in told] == list(range(1, 251))
    assert [each.query["page"] for each in scripted.calls("GET", PULLS)] == ["1", "2", "3"]


async def test_full_page_without_a_link_is_followed_by_the_next(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    full = Scripted(data=[pull(number) for number in range(100)])
    scripted.answer("GET", PULLS, full, Scripted(data=[pull(100)]))

    assert len(await make_app().open_pulls(repo)) == 101


async def test_endless_pages_are_an_error(make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo) -> None:
    scripted.answer("GET", PULLS, Scripted(data=[pull(1)], headers={"link": '<x>; rel="next"'}))

    with pytest.raises(GitHubError, match="more than 200 pages"):
        await make_app().open_pulls(repo)


@pytest.mark.parametrize("login", ["..", ".", ""])
async def test_a_name_that_would_change_the_path_is_refused(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, login: str
) -> None:
    with pytest.raises(GitHubError, match="login is not a usable name"):
        await make_app().permission(repo, account(login))

    assert not [each for each in scripted.seen if each.method == "GET"]


async def test_names_are_encoded_into_one_segment(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    path = "/repos/acme/infra/collaborators/a%2F..%2Fb%3Fc%23d%20e/permission"
    scripted.answer("GET", path, Scripted(data={"permission": "read", "user": {"login": "a", "id": 5}}))

    assert await make_app().permission(repo, account("a/../b?c#d e", 5)) == "read"


async def test_a_file_path_is_encoded_by_segments(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    path = "/repos/acme/infra/contents/odd%20dir/a%23b%3Fc%2520.txt"
    scripted.answer("GET", path, Scripted(data={"type": "file", "encoding": "base64", "content": "b2Rk\n"}))

    assert await make_app().file(repo, "odd dir/a#b?c%20.txt", "feature/x y") == "odd"
    assert scripted.calls("GET", path)[0].query == {"ref": "feature/x y"}


@pytest.mark.parametrize("path", ["../other", "/etc/passwd", "a//b", "a/./b", ""])
async def test_a_file_path_that_leaves_the_tree_is_refused(make_app: MakeApp, repo: Repo, path: str) -> None:
    with pytest.raises(GitHubError, match="path is not a usable name"):
        await make_app().file(repo, path, "main")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"type": "symlink", "target": "x"}, "it is a symlink, not a file"),
        ({"type": "file", "encoding": "none", "content": ""}, "it is larger than 1 MB"),
        ({"type": "file", "encoding": "base64", "content": "/w=="}, "it is not UTF-8 text"),
        ({"type": "file", "encoding": "base64", "content": "a"}, "it is not UTF-8 text"),
    ],
)
async def test_what_is_no_text_file_is_an_error(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, content: dict[str, str], sentence: str
) -> None:
    scripted.answer("GET", "/repos/acme/infra/contents/f", Scripted(data=content))

    with pytest.raises(GitHubError, match=f"reading f of acme/infra at main: {sentence}"):
        await make_app().file(repo, "f", "main")


async def test_graphql_stands_beside_the_enterprise_base(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    comment = {
        "id": 1,
        "node_id": "IC_x",
        "user": None,
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }
    scripted.answer("GET", "/repos/acme/infra/issues/comments/1", Scripted(data=comment))
    scripted.answer("POST", "/api/graphql", Scripted(data={"data": {"minimizeComment": {}}}))

    await make_app().minimize_comment(repo, 1)

    [seen] = scripted.calls("POST", "/api/graphql")
    assert seen.headers["authorization"] == "token ghs_short-lived-secret"
    assert seen.body["variables"] == {"subject": "IC_x"}


@pytest.mark.parametrize(("kind", "fails"), [("NOT_FOUND", False), ("FORBIDDEN", True)])
async def test_graphql_errors_are_read_from_the_body(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, kind: str, *, fails: bool
) -> None:
    comment = {
        "id": 1,
        "node_id": "IC_x",
        "user": None,
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
    }
    scripted.answer("GET", "/repos/acme/infra/issues/comments/1", Scripted(data=comment))
    answer = {"data": None, "errors": [{"type": kind, "message": "no such node"}]}
    scripted.answer("POST", "/api/graphql", Scripted(data=answer))

    error = None
    try:
        await make_app().minimize_comment(repo, 1)
    except GitHubError as caught:
        error = str(caught)

    told = "folding comment 1 on acme/infra: GitHub answered FORBIDDEN (no such node)"
    assert error == (told if fails else None)
