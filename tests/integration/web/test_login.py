from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from bot.web.services import OAuth
from bot.web.sessions import Sessions
from tests.fakes.clock import HandClock
from tests.integration.web.login import begin, come_back, cookie, log_in, token
from tests.integration.web.served import Served
from tests.integration.web.world import World


async def test_login_goes_to_github_and_comes_back_to_the_page(world: World) -> None:
    asked = await begin(world.client, "/runs/r1?x=1")
    world.github.codes["the code"] = "dev"

    came = await come_back(world.client, code="the code", state=asked["state"])

    [form] = world.github.asked
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert came == (303, "/runs/r1?x=1")
    assert asked["client_id"] == form["client_id"] == "client id"
    assert asked["redirect_uri"] == form["redirect_uri"] == "http://bot.example/login/callback"
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_the_session_is_unreadable_and_out_of_reach_of_scripts(world: World) -> None:
    asked = await begin(world.client)
    world.github.codes["the code"] = "dev"

    async with world.client.get(
        "/login/callback", params={"code": "the code", "state": asked["state"]}, allow_redirects=False
    ) as response:
        session = response.cookies["gatewright_session"]

    assert (session["httponly"], session["samesite"], session["path"]) == (True, "Lax", "/")
    assert b"dev" not in base64.urlsafe_b64decode(session.value)


async def test_over_https_cookies_are_secure_and_bound_to_the_host(world: World, served: Served) -> None:
    client = await served(pages=_https(world))

    async with client.get("/login", allow_redirects=False) as response:
        attempt = response.cookies["__Host-gatewright_login"]

    assert (attempt["secure"], attempt["path"], attempt["domain"]) == (True, "/", "")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def _https(world: World) -> Any:
    pages = world.services.pages
    assert pages is not None
    oauth = OAuth(
        client_id="client id",
        client_secret="client secret",
        github_url=world.github.url,
        api_url=f"{world.github.url}/api",
        public_url="https://bot.example",
        sessions=Sessions("k" * 32, clock=world.clock, secure=True),
        http=pages.oauth.http,
    )
    return replace(pages, oauth=oauth)


async def test_answer_that_this_browser_did_not_ask_for_is_refused(world: World, served: Served) -> None:
    asked = await begin(world.client)
    world.github.codes["the code"] = "attacker"
    victim = await served()

    without_cookie = await come_back(victim, code="the code", state=asked["state"])
    await begin(victim)
    other_state = await come_back(victim, code="the code", state=asked["state"])
    no_state = await come_back(victim, code="the code")

    assert [status for status, _ in (without_cookie, other_state, no_state)] == [400, 400, 400]
    assert world.github.asked == []


async def test_a_login_that_took_too_long_is_refused(world: World) -> None:
    asked = await begin(world.client)
    world.clock.advance(minutes=11)

    status, _ = await come_back(world.client, code="the code", state=asked["state"])

    assert status == 400


@pytest.mark.parametrize(
    "query", [{"error": "access_denied"}, {"code": "unknown to GitHub"}], ids=["declined", "bad code"]
)
async def test_who_declines_or_forges_a_code_is_not_logged_in(world: World, query: dict[str, str]) -> None:
    asked = await begin(world.client)

    status, _ = await come_back(world.client, state=asked["state"], **query)

    async with world.client.get("/runs/r1", allow_redirects=False) as response:
        assert (status, response.status) == (403, 303)


async def test_when_github_is_down_the_login_says_so(world: World) -> None:
    asked = await begin(world.client)
    world.github.broken = True

    status, _ = await come_back(world.client, code="the code", state=asked["state"])

    assert status == 503


async def test_a_session_ends_after_a_working_day(world: World) -> None:
    await log_in(world, "dev")
    world.clock.advance(hours=8, seconds=1)

    async with world.client.get("/runs/r1", allow_redirects=False) as response:
        assert response.headers["Location"] == "/login?next=/runs/r1"


async def test_logging_out_ends_the_session(world: World) -> None:
    await log_in(world, "dev")

    form = {"token": await token(world.client)}
    async with world.client.post("/logout", data=form, allow_redirects=False) as response:
        left = (response.status, response.headers["Location"])
    async with world.client.get("/runs/r1", allow_redirects=False) as response:
        after = response.status

    assert (left, after) == ((303, "/"), 303)


async def test_a_link_cannot_log_anybody_out(world: World) -> None:
    async with world.client.get("/logout") as response:
        assert response.status == 405


async def test_a_forged_or_foreign_cookie_logs_nobody_in(world: World, served: Served) -> None:
    client = await served()
    await begin(world.client)
    swapped = cookie(world.client, "gatewright_login").value
    other = Sessions("another key, of another server, long", clock=HandClock(), secure=False)
    foreign = other._fernet.encrypt_at_time(b'{"cookie": "gatewright_session", "login": "dev"}', 1).decode()

    for value in ("", "nonsense", "g\u00e9", swapped, foreign):
        jar = {"Cookie": f"gatewright_session={value}"}
        async with client.get("/runs/r1", headers=jar, allow_redirects=False) as response:
            assert (value, response.status) == (value, 303)


async def test_without_session_key_there_is_no_login_and_no_page(served: Served) -> None:
    client = await served(pages=None)

    for path in ("/login", "/login/callback", "/runs/r1", "/runs/r1/log"):
        async with client.get(path) as response:
            assert (path, response.status) == (path, 404)


async def test_an_answer_that_was_used_is_not_taken_again(world: World) -> None:
    asked = await begin(world.client)
    attempt = cookie(world.client, "gatewright_login").value
    world.github.codes["the code"] = "dev"
    await come_back(world.client, code="the code", state=asked["state"])

    again, _ = await come_back(world.client, code="the code", state=asked["state"])
    jar = {"Cookie": f"gatewright_login={attempt}"}
    query = {"code": "the code", "state": asked["state"]}
    async with world.client.get(
        "/login/callback", params=query, headers=jar, allow_redirects=False
    ) as response:
        with_an_old_cookie = response.status

    assert (again, with_an_old_cookie) == (400, 403)


async def test_a_login_that_was_refused_must_be_begun_anew(world: World) -> None:
    asked = await begin(world.client)
    refused, _ = await come_back(world.client, error="access_denied", state=asked["state"])
    world.github.codes["the code"] = "dev"

    late, _ = await come_back(world.client, code="the code", state=asked["state"])

    assert (refused, late) == (403, 400)


async def test_what_github_says_of_an_error_is_not_repeated(world: World) -> None:
    asked = await begin(world.client)
    query = {"error": "<script>", "error_description": "<b>call this number</b>", "state": asked["state"]}

    async with world.client.get("/login/callback", params=query, headers={"Accept": "text/html"}) as response:
        text = await response.text()

    assert response.status == 403
    assert "call this number" not in text
    assert "&lt;script&gt;" not in text


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "/\nevil",
        "javascript:alert(1)",
        "///evil.example",
        "evil.example",
        "http:evil.example",
        "/\u2028/evil",
    ],
)
async def test_a_login_never_leads_to_another_site(world: World, path: str) -> None:
    asked = await begin(world.client, path)
    world.github.codes["the code"] = "dev"

    status, where = await come_back(world.client, code="the code", state=asked["state"])

    assert status == 303
    assert where is not None
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))
    assert where == "/" or "\n" not in where


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        pytest.param("; charset=nonsense", b"token=x", id="unknown charset"),
        pytest.param("; charset=rot13", b"token=x", id="codec that is no charset"),
        pytest.param("; charset=utf-16", b"tok", id="cut character"),
        pytest.param("", b"token=\xff\xfe", id="no UTF-8"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(world: World, charset: str, body: bytes) -> None:
    await log_in(world, "dev")
    kind = {"Content-Type": f"application/x-www-form-urlencoded{charset}"}

    async with world.client.post("/logout", data=body, headers=kind) as response:
        assert response.status == 400
