"""The App's key, tokens, and what they reach."""

import base64

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.playground.github.auth import private_pem

from .conftest import REPO, World

R = f"/repos/{REPO}"


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": "99999"}, "Integration not found"),
        ({"exp": 4_000_000_000}, "too far in the future"),
        ({"exp": 1_000_000_000}, "must be in the future"),
        ({"iat": 4_000_000_000}, "representing the past"),
    ],
    ids=["another app", "lives too long", "expired", "issued in the future"],
)
async def test_an_app_token_with_bad_claims_is_refused(
    world: World, claims: dict[str, object], message: str
) -> None:
    token = world.jwt(**claims)

    answer = await world.client(token).get("/app")

    assert answer.status == 401
    assert message in answer.body["message"]


async def test_an_app_token_signed_by_another_key_is_refused(world: World) -> None:
    stranger = private_pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    now = int(world.clock())
    token = jwt.encode({"iat": now, "exp": now + 60, "iss": "12345"}, stranger, algorithm="RS256")

    answer = await world.client(token).get("/app")

    assert answer.status == 401


async def test_the_app_id_counts_as_a_number_too(world: World) -> None:
    # PyJWT refuses to write such a token, while GitHub's own client sends it; so it is made by hand.
    now = int(world.clock())
    claims = f'{{"iat":{now - 60},"exp":{now + 500},"iss":12345}}'
    token = jwt.api_jws.encode(claims.encode(), world.github.private_key_pem, algorithm="RS256")

    answer = await world.client(token).get("/app")

    assert answer.status == 200


async def test_client_id_is_as_good_issuer_as_the_app_id(world: World) -> None:
    answer = await world.client(world.jwt(iss=world.github.config.client_id)).get("/app")

    assert answer.status == 200


async def test_an_installation_token_is_long_and_dies_after_an_hour(world: World) -> None:
    token = await world.token()
    assert token.startswith("ghs_12345_")
    assert len(token) > 100
    assert (await world.client(token).get(R)).status == 200

    world.clock.ahead = 3601

    assert (await world.client(token).get(R)).status == 401


async def test_token_narrowed_to_a_repository_does_not_see_the_next(world: World) -> None:
    await world.github.create_repo("acme/other")
    narrow, wide = await world.bot(repositories=["infra"]), await world.bot()

    listed = await narrow.get("/installation/repositories")
    hidden = await narrow.get("/repos/acme/other")
    seen = await wide.get("/repos/acme/other")

    assert [each["full_name"] for each in listed.body["repositories"]] == [REPO]
    assert (hidden.status, seen.status) == (404, 200)


async def test_a_token_narrowed_in_permissions_is_refused_what_it_lacks(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    reader = await world.bot(permissions={"contents": "read", "pull_requests": "read"})

    read = await reader.get(f"{R}/pulls/{pull.number}")
    comment = await reader.post(f"{R}/issues/{pull.number}/comments", {"body": "x"})
    ref = await reader.post(f"{R}/git/refs", {"ref": "refs/heads/x", "sha": pull.head_sha})

    assert read.status == 200
    assert (comment.status, ref.status) == (403, 403)
    assert comment.body["message"] == "Resource not accessible by integration"


async def test_more_permissions_than_installed_cannot_be_asked_for(world: World) -> None:
    number = (await world.app().get(f"{R}/installation")).body["id"]
    path = f"/app/installations/{number}/access_tokens"

    wrong_level = await world.app().post(path, {"permissions": {"members": "write"}})
    wrong_repo = await world.app().post(path, {"repositories": ["infra", "nowhere"]})

    assert (wrong_level.status, wrong_repo.status) == (422, 422)


@pytest.mark.parametrize("login", ["outsider", None], ids=["a stranger", "nobody"])
async def test_a_private_repository_is_hidden_from(world: World, login: str | None) -> None:
    client = world.user(login) if login else world.client(None)

    answers = [await client.get(path) for path in (R, f"{R}/pulls", f"{R}/contents/README.md")]

    assert [each.status for each in answers] == [404, 404, 404]


async def test_people_may_do_what_their_role_allows(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    reader, dev = world.user("reader"), world.user("dev")
    body = {"ref": "refs/heads/x", "sha": pull.head_sha}

    said = await reader.post(f"{R}/issues/{pull.number}/comments", {"body": "hello"})
    refused = await reader.post(f"{R}/git/refs", body)
    allowed = await dev.post(f"{R}/git/refs", body)

    assert (said.status, refused.status, allowed.status) == (201, 403, 201)


async def test_roles_reach_people_directly_by_team_and_by_owning(world: World) -> None:
    await world.github.add_user("mate")
    await world.github.add_team("acme", "crew", ["mate"])
    world.github.set_team_permission(REPO, "crew", "maintain")
    bot = await world.bot()

    found = {
        login: (await bot.get(f"{R}/collaborators/{login}/permission")).body
        for login in ("admin", "dev", "reader", "outsider", "mate")
    }
    unknown = await bot.get(f"{R}/collaborators/nobody/permission")
    own = await bot.get(f"{R}/collaborators/gatewright[bot]/permission")

    assert {login: (body["permission"], body["role_name"]) for login, body in found.items()} == {
        "admin": ("admin", "admin"),
        "dev": ("write", "write"),
        "reader": ("read", "read"),
        "outsider": ("none", "none"),
        "mate": ("write", "maintain"),
    }
    assert (unknown.status, own.status) == (404, 404)


async def test_team_membership_is_known_to_members_read_only(world: World) -> None:
    bot = await world.bot()
    blind = await world.bot(permissions={"contents": "read"})
    path = "/orgs/acme/teams/platform/memberships"

    member = await bot.get(f"{path}/owner2")
    stranger = await bot.get(f"{path}/dev")
    refused = await blind.get(f"{path}/owner2")

    assert (member.status, member.body["state"]) == (200, "active")
    assert (stranger.status, refused.status) == (404, 403)


async def test_an_uninstalled_repository_is_out_of_reach(world: World) -> None:
    bot = await world.bot()

    world.github.uninstall(REPO)

    assert (await bot.get(R)).status == 404
    assert (await world.app().get(f"{R}/installation")).status == 404


async def test_another_api_version_is_refused(world: World) -> None:
    answer = await world.app().get("/app", X_GitHub_Api_Version="1999-01-01")

    assert answer.status == 400


async def test_basic_credentials_are_accepted_as_well(world: World) -> None:
    secret = base64.b64encode(f"x-access-token:{await world.token()}".encode()).decode()

    answer = await world.client(None).get(R, Authorization=f"Basic {secret}")

    assert answer.status == 200
