from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from bot.adapters.github import GitHubApp, Options
from bot.domain.core.accounts import Login
from bot.domain.core.errors import GitHubError, GitHubNotFoundError, NotServedError
from bot.domain.core.model import Repo
from tests.fakes.accounts import account
from tests.fakes.clock import PassingTime
from tests.integration.github.conftest import MakeApp
from tests.integration.github.scripted import TOKENS, Scripted, ScriptedGitHub, Seen

REF = "/repos/acme/infra/git/ref/heads/main"
INSTALLATION = "/repos/acme/infra/installation"
TIP = Scripted(data={"ref": "refs/heads/main", "object": {"sha": "a" * 40}})


def claims(seen: Seen, private_key: str) -> dict[str, object]:
    public = serialization.load_pem_private_key(private_key.encode(), password=None).public_key()
    token = seen.headers["authorization"].removeprefix("bearer ")
    ignored = {"verify_exp": False, "verify_iat": False}
    found: dict[str, object] = jwt.decode(token, public, algorithms=["RS256"], options=ignored)  # type: ignore[arg-type]
    return found


async def test_app_signs_with_short_jwt_that_allows_for_skewed_clocks(
    make_app: MakeApp, scripted: ScriptedGitHub, private_key: str, time: PassingTime
) -> None:
    await make_app().check_credentials()

    now = int(time.now().timestamp())
    assert claims(scripted.seen[0], private_key) == {"iat": now - 60, "exp": now + 480, "iss": "12345"}


async def test_the_jwt_is_kept_until_shortly_before_its_end(
    make_app: MakeApp, scripted: ScriptedGitHub, private_key: str, time: PassingTime
) -> None:
    app = make_app()
    for pause in (0, 359, 1):
        await time.sleep(pause)
        await app.check_credentials()

    first, second, third = (each.headers["authorization"] for each in scripted.seen)
    assert first == second != third


async def test_jwt_is_made_anew_when_the_clock_was_set_back(
    make_app: MakeApp, scripted: ScriptedGitHub, private_key: str, time: PassingTime
) -> None:
    app = make_app()
    await app.check_credentials()
    time.start -= timedelta(hours=2)

    await app.check_credentials()

    now = int(time.now().timestamp())
    assert claims(scripted.seen[-1], private_key)["exp"] == now + 480


async def test_a_key_that_is_none_is_told_without_showing_it(
    scripted: ScriptedGitHub, session: aiohttp.ClientSession, time: PassingTime
) -> None:
    app = GitHubApp(
        session,
        app_id="1",
        private_key="-----BEGIN nothing that works-----",
        clock=time,
        options=Options(base_url=scripted.api_url),
    )

    with pytest.raises(GitHubError, match="the private key is not a usable RSA key") as caught:
        await app.check_credentials()

    assert "nothing that works" not in str(caught.value)


async def test_tokens_are_narrowed_to_the_repository_and_to_their_purpose(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()
    scripted.answer("GET", REF, TIP)
    scripted.answer("GET", "/orgs/acme/teams/oncall/memberships/dev", Scripted(data={"state": "active"}))

    await app.branch_head(repo, "main")
    await app.git_token(repo)
    await app.is_team_member("acme", "oncall", Login("dev"))

    assert [each.body for each in scripted.calls("POST", TOKENS)] == [
        {
            "repositories": ["infra"],
            "permissions": {
                "checks": "write",
                "contents": "read",
                "metadata": "read",
                "pull_requests": "write",
            },
        },
        {"repositories": ["infra"], "permissions": {"contents": "read"}},
        {"permissions": {"members": "read"}},
    ]


async def test_many_callers_share_one_token_request(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()

    tokens = await asyncio.gather(*(app.git_token(repo) for _ in range(20)))

    assert set(tokens) == {"ghs_short-lived-secret"}
    assert len(scripted.calls("POST", TOKENS)) == 1


async def test_a_failed_token_request_is_not_remembered(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app()
    good = Scripted(status=201, data={"token": "ghs_good", "expires_at": "2026-03-01T13:00:00Z"})
    scripted.answer("POST", TOKENS, Scripted(status=403, data={"message": "suspended"}), good)

    with pytest.raises(GitHubError, match="suspended"):
        await app.git_token(repo)

    assert await app.git_token(repo) == "ghs_good"


async def test_token_is_renewed_when_less_than_ten_minutes_are_left(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo, time: PassingTime
) -> None:
    app = make_app()
    later = Scripted(status=201, data={"token": "ghs_later", "expires_at": "2026-03-01T14:00:00Z"})
    scripted.answer(
        "POST",
        TOKENS,
        Scripted(status=201, data={"token": "ghs_1", "expires_at": "2026-03-01T13:00:00Z"}),
        later,
    )

    told = []
    for pause in (0, 3000, 1):
        await time.sleep(pause)
        told.append(await app.git_token(repo))

    assert told == ["ghs_1", "ghs_1", "ghs_later"]


async def test_a_token_that_ends_too_soon_is_never_handed_out(
    make_app: MakeApp, repo: Repo, time: PassingTime
) -> None:
    await time.sleep(55 * 60)

    with pytest.raises(GitHubError, match="check the clock of this machine"):
        await make_app().git_token(repo)


async def test_a_token_of_any_length_is_used_as_it_is(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    token = f"ghs_12345_{'x' * 900}"
    scripted.answer(
        "POST", TOKENS, Scripted(status=201, data={"token": token, "expires_at": "2026-03-01T13:00:00Z"})
    )
    scripted.answer("GET", REF, TIP)

    await make_app().branch_head(repo, "main")

    assert scripted.calls("GET", REF)[0].headers["authorization"] == f"token {token}"


async def test_a_repository_that_moved_to_another_installation_is_followed(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    moved = "/app/installations/78/access_tokens"
    scripted.answer(
        "POST", TOKENS, Scripted(status=422, data={"message": "not accessible to the installation"})
    )
    scripted.answer("GET", INSTALLATION, Scripted(data={"id": 78}))
    scripted.answer(
        "POST", moved, Scripted(status=201, data={"token": "ghs_moved", "expires_at": "2026-03-01T13:00:00Z"})
    )

    assert await make_app().git_token(repo) == "ghs_moved"


async def test_removed_app_is_not_taken_for_a_missing_object(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    gone = Scripted(status=404, data={"message": "Not Found"})
    scripted.answer("POST", TOKENS, gone)
    scripted.answer("GET", INSTALLATION, gone)
    app = make_app()

    for call in (
        app.file(repo, "gatewright.yaml", "main"),
        app.permission(repo, account("dev")),
        app.react(repo, 1, "eyes"),
    ):
        with pytest.raises(GitHubError, match="the App is not installed there") as caught:
            await call
        assert not isinstance(caught.value, GitHubNotFoundError)


async def test_the_installation_of_an_unknown_organisation_is_looked_up(
    make_app: MakeApp, scripted: ScriptedGitHub
) -> None:
    listed = [
        {"id": 1, "account": {"login": "other", "id": 8}},
        {"id": 2, "account": None},
        {"id": 77, "account": {"login": "Acme", "id": 2, "type": "Organization"}},
    ]
    scripted.answer("GET", "/app/installations", Scripted(data=listed))
    scripted.answer("GET", "/orgs/acme/teams/oncall/memberships/dev", Scripted(data={"state": "pending"}))

    assert await make_app().is_team_member("acme", "oncall", Login("dev")) is False


async def test_organisation_without_app_is_an_error_and_not_a_no(
    make_app: MakeApp, scripted: ScriptedGitHub
) -> None:
    scripted.answer("GET", "/app/installations", Scripted(data=[]))

    with pytest.raises(GitHubError, match="the App is not installed"):
        await make_app().is_team_member("elsewhere", "oncall", Login("dev"))


class OnlyInfra:
    """Admits one repository, by its id."""

    def require(self, owner: str, name: str | None) -> None:
        if (owner, name) not in {("acme", "infra"), ("acme", None)}:
            raise NotServedError(f"{owner}/{name} is not listed")

    async def id_of(self, _owner: str, _name: str) -> int | None:
        return 4711


async def test_token_is_narrowed_to_the_repository_id_not_its_name(
    make_app: MakeApp, scripted: ScriptedGitHub, repo: Repo
) -> None:
    app = make_app(admitting=OnlyInfra())
    scripted.answer("GET", REF, TIP)

    await app.branch_head(repo, "main")

    [asked] = [each.body for each in scripted.seen if each.path == TOKENS]
    assert asked["repository_ids"] == [4711]
    assert "repositories" not in asked


async def test_nothing_is_asked_of_github_for_unlisted_repositories(
    make_app: MakeApp, scripted: ScriptedGitHub
) -> None:
    app = make_app(admitting=OnlyInfra())
    other = Repo(owner="eve", name="infra", installation_id=78)

    for ask in (
        lambda: app.repository("eve/infra"),
        lambda: app.subject("eve/infra", 1),
        lambda: app.branch_head(other, "main"),
        lambda: app.comment(other, 1, "hello"),
        lambda: app.git_token(other),
        lambda: app.is_team_member("eve", "ops", Login("dana")),
    ):
        with pytest.raises(NotServedError):
            await ask()

    assert scripted.seen == []
