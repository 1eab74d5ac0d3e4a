"""The pages, as a browser without JavaScript meets them."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from .conftest import REPO, Answer, World

P = f"/{REPO}/pull/1"


class Browser:
    """Keeps cookies, follows redirects, sends the headers a browser sends."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(self, path: str) -> Answer:
        async with self.session.get(self.url + path) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def send(self, page: str, /, *, origin: str | None = None, **fields: str) -> Answer:
        headers = {"Origin": origin or self.url}
        async with self.session.post(self.url + page, data=fields, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def act_as(self, login: str) -> None:
        assert (await self.send("/_act-as", login=login, back="/")).status == 200


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    await world.github.open_pull(
        REPO, author="dev", branch="f", files={"envs/prod.tfvars": "size = 2\n"}, title="Grow <prod>"
    )
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, world.github.url)


async def test_the_home_page_lists_what_the_person_sees(browser: Browser) -> None:
    await browser.act_as("dev")
    mine = await browser.get("/")
    await browser.act_as("outsider")
    theirs = await browser.get("/")

    assert "Grow &lt;prod&gt;" in mine.body
    assert REPO not in theirs.body
    assert (await browser.get(P)).status == 404


async def test_the_pull_request_page_shows_the_story(world: World, browser: Browser) -> None:
    bot = await world.bot()
    pull = world.github.pull(REPO, 1)
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n<details><summary>Diff</summary>\n\n```diff\n+ new\n- old\n```\n</details>\n<!-- hidden -->"
    note = await bot.post(f"/repos/{REPO}/issues/1/comments", {"body": text})
    await bot.post(f"/repos/{REPO}/issues/comments/{note.body['id']}/reactions", {"content": "rocket"})
    check = {
        "name": "gatewright/plan",
        "head_sha": pull.head_sha,
        "conclusion": "success",
        "details_url": "http://127.0.0.1:9/runs/1",
        "actions": [{"label": "Apply it", "description": "d", "identifier": "apply"}],
    }
    await bot.post(f"/repos/{REPO}/check-runs", check)
    wanted = {"ref": "f", "environment": "staging", "auto_merge": False, "required_contexts": []}
    made = await bot.post(f"/repos/{REPO}/deployments", wanted)
    state = {"state": "success", "environment_url": "http://127.0.0.1:9/staging"}
    await bot.post(f"/repos/{REPO}/deployments/{made.body['id']}/statuses", state)

    page = (await browser.get(P)).body

    assert "<table>" in page
    assert '<span class="line-add">+ new' in page
    assert "<summary>Diff</summary>" in page
    assert "hidden --" not in page
    assert "🚀 1" in page
    assert "gatewright[bot]" in page
    assert 'href="http://127.0.0.1:9/runs/1"' in page
    assert "Apply it" in page
    assert 'href="http://127.0.0.1:9/staging"' in page


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        '<a href="javascript:alert(1)">x</a>',
        '<iframe src="http://example.com"></iframe>',
        '<style>body{display:none}</style><p style="position:fixed">x</p>',
        '<form action="http://example.com"><button>x</button></form>',
        '<div class="top" id="live">x</div>',
    ],
)
async def test_comments_cannot_do_harm(world: World, browser: Browser, body: str) -> None:
    await world.github.comment(REPO, 1, author="dev", body=f"start\n\n{body}\n\nend")

    page = (await browser.get(P)).body

    found = re.search(r'<div class="markdown"><p>start</p>(.*?)<p>end</p>', page, re.DOTALL)
    assert found is not None
    rendered = found.group(1)
    for word in (
        "<script",
        "onerror",
        'href="javascript',
        "<iframe",
        "<style",
        "style=",
        "<form",
        "class=",
        "id=",
    ):
        assert word not in rendered


async def test_every_page_forbids_foreign_and_inline_code(browser: Browser) -> None:
    for path in (
        "/",
        P,
        f"{P}/files",
        f"{P}/commits",
        f"{P}/edit",
        f"/{REPO}",
        f"/{REPO}/new",
        "/nowhere/at/all",
    ):
        answer = await browser.get(path)
        if "Content-Security-Policy" in answer.headers:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
        else:
            assert answer.status == 404
        assert " style=" not in answer.body
        assert not re.search(r"\son\w+=", answer.body)
        assert not re.search(r"<script(?! src=)", answer.body)
        assert not re.search(r'(?:src|href)="https?://(?!127\.0\.0\.1)', answer.body)


async def test_a_comment_written_on_the_page_reaches_the_bot(world: World, browser: Browser) -> None:
    await browser.act_as("owner")

    answer = await browser.send(f"{P}/comment", body="/apply staging\r\nplease")
    await world.github.settled()

    assert answer.status == 200
    hook = world.receiver.last("issue_comment.created").body
    assert (hook["comment"]["body"], hook["sender"]["login"]) == ("/apply staging\nplease", "owner")


async def test_a_form_from_another_site_is_refused(world: World, browser: Browser) -> None:
    answer = await browser.send(f"{P}/comment", origin="http://evil.example", body="/apply prod")

    assert answer.status == 403
    assert world.github.comments(REPO, 1) == []


async def test_whole_life_of_a_pull_request_fits_on_the_pages(world: World, browser: Browser) -> None:
    await browser.act_as("dev")
    opened = await browser.send(
        f"/{REPO}/new", path="envs/prod.tfvars", text="size = 7\r\n", title="Seven", draft="on"
    )
    pull = world.github.pull(REPO, 2)
    page = f"/{REPO}/pull/2"
    assert (opened.status, pull.title, pull.draft, pull.head_ref) == (200, "Seven", True, "dev-patch-1")

    await browser.send(f"{page}/state", to="ready")
    before = pull.head_sha
    await browser.send(f"{page}/edit", path="envs/prod.tfvars", text="size = 8", message="Eight")
    assert pull.head_sha != before
    assert await world.github.read(REPO, "dev-patch-1", "envs/prod.tfvars") == "size = 8\n"
    own = await browser.send(f"{page}/review", state="approved")
    await browser.act_as("owner")
    await browser.send(f"{page}/review", state="changes_requested", body="no")
    await browser.send(f"{page}/review", state="approved", body="yes")
    await browser.send(f"{page}/state", to="closed")
    assert pull.state == "closed"
    await browser.send(f"{page}/state", to="open")
    await browser.send(f"{page}/merge", method="squash")

    assert own.status == 422
    assert [each.state for each in world.github.reviews(REPO, 2)] == ["CHANGES_REQUESTED", "APPROVED"]
    assert pull.merged
    assert await world.github.read(REPO, "main", "envs/prod.tfvars") == "size = 8\n"


async def test_readers_cannot_steer_and_propose_from_a_fork(world: World, browser: Browser) -> None:
    await browser.act_as("reader")

    merge = await browser.send(f"{P}/merge", method="merge")
    close = await browser.send(f"{P}/state", to="closed")
    push = await browser.send(f"{P}/edit", path="a", text="x")
    await browser.send(f"/{REPO}/new", path="a", text="x")

    assert (merge.status, close.status, push.status) == (403, 403, 403)
    assert world.github.pull(REPO, 1).state == "open"
    assert world.github.pull(REPO, 2).head_repo == "reader/infra"


async def test_a_button_on_the_page_is_a_requested_action(world: World, browser: Browser) -> None:
    bot = await world.bot()
    check = {
        "name": "plan",
        "head_sha": world.github.pull(REPO, 1).head_sha,
        "conclusion": "success",
        "actions": [{"label": "Apply", "description": "d", "identifier": "apply-staging"}],
    }
    run = (await bot.post(f"/repos/{REPO}/check-runs", check)).body
    await browser.act_as("dev")

    await browser.send(f"/{REPO}/runs/{run['id']}", action="apply-staging", pull="1")
    await browser.send(f"/{REPO}/runs/{run['id']}", action="", pull="1")
    await world.github.settled()

    assert world.receiver.last("check_run.requested_action").body["sender"]["login"] == "dev"
    assert "check_run.rerequested" in world.receiver.events()
    assert (await browser.get(f"/{REPO}/runs/{run['id']}")).status == 200


async def test_the_fragment_comes_only_when_something_changed(world: World, browser: Browser) -> None:
    first = await browser.get(f"{P}/fragment")
    have = first.headers["X-Version"]

    same = await browser.get(f"{P}/fragment?have={have}")
    await world.github.comment(REPO, 1, author="dev", body="news")
    changed = await browser.get(f"{P}/fragment?have={have}")

    assert (same.status, changed.status) == (204, 200)
    assert "news" in changed.body
    page = (await browser.get(P)).body
    assert f'data-version="{changed.headers["X-Version"]}"' in page


async def test_the_other_pages_show(world: World, browser: Browser) -> None:
    sha = world.github.pull(REPO, 1).head_sha

    files = await browser.get(f"{P}/files")
    commits = await browser.get(f"{P}/commits")
    commit = await browser.get(f"/{REPO}/commit/{sha}")
    blob = await browser.get(f"/{REPO}/blob/main/envs/prod.tfvars")
    edit = await browser.get(f"{P}/edit?path=envs/prod.tfvars")

    assert "+size = 2" in files.body
    assert "Grow &lt;prod&gt;" in commits.body
    assert "-size = 1" in commit.body
    assert "size = 1" in blob.body
    assert "size = 2" in edit.body


async def test_one_logs_in_as_a_person_of_ones_choice(world: World, browser: Browser) -> None:
    github = world.github
    github.set_callback_url("http://127.0.0.1:9/login/callback")
    client_id, secret = github.config.client_id, github.config.client_secret

    page = await browser.get(f"/login/oauth/authorize?client_id={client_id}&state=s%26t")
    foreign = await browser.get(
        f"/login/oauth/authorize?client_id={client_id}&redirect_uri=http://evil.example/"
    )
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.body))
    async with browser.session.post(
        f"{github.url}/login/oauth/authorize",
        data={"login": "owner", "redirect_uri": fields["redirect_uri"], "state": unescape(fields["state"])},
        allow_redirects=False,
    ) as answer:
        target = urlsplit(answer.headers["Location"])
    query = parse_qs(target.query)
    exchange = {"client_id": client_id, "client_secret": secret, "code": query["code"][0]}
    async with world.session.post(
        f"{github.url}/login/oauth/access_token", data=exchange, headers={"Accept": "application/json"}
    ) as answer:
        token = (await answer.json())["access_token"]
    async with world.session.post(
        f"{github.url}/login/oauth/access_token", data=exchange, headers={"Accept": "application/json"}
    ) as answer:
        twice = await answer.json()
    me = await world.client(token).get("/user")

    assert "Log in as owner" in page.body
    assert "form-action 'self' http://127.0.0.1:9" in page.headers["Content-Security-Policy"]
    assert foreign.status == 400
    assert (target.netloc, target.path, query["state"]) == ("127.0.0.1:9", "/login/callback", ["s&t"])
    assert me.body["login"] == "owner"
    assert twice["error"] == "bad_verification_code"


@pytest.mark.parametrize(
    ("verifier", "error"),
    [("v" * 43, None), ("w" * 43, "bad_verification_code"), (None, "bad_verification_code")],
    ids=["right", "wrong", "none"],
)
async def test_a_code_is_exchanged_only_by_who_asked_for_it(
    world: World, browser: Browser, verifier: str | None, error: str | None
) -> None:
    github = world.github
    github.set_callback_url("http://127.0.0.1:9/login/callback")
    client_id, secret = github.config.client_id, github.config.client_secret
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()

    page = await browser.get(
        f"/login/oauth/authorize?client_id={client_id}&code_challenge={challenge}&code_challenge_method=S256"
    )
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.body))
    async with browser.session.post(
        f"{github.url}/login/oauth/authorize", data={"login": "dev", **fields}, allow_redirects=False
    ) as answer:
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    exchange = {"client_id": client_id, "client_secret": secret, "code": code}
    if verifier is not None:
        exchange["code_verifier"] = verifier
    async with world.session.post(
        f"{github.url}/login/oauth/access_token", data=exchange, headers={"Accept": "application/json"}
    ) as answer:
        given = await answer.json()

    assert given.get("error") == error


async def test_alerts_are_coloured_and_minimized_comments_folded(world: World, browser: Browser) -> None:
    await world.github.comment(REPO, 1, author="dev", body="> [!CAUTION]\n> Data is **lost**.")
    bot = await world.bot()
    old = await bot.post(f"/repos/{REPO}/issues/1/comments", {"body": "old plan"})
    query = (
        "mutation { minimizeComment(input: {subjectId: "
        f'"{old.body["node_id"]}", classifier: OUTDATED}}) {{ clientMutationId }} }}'
    )
    await bot.post(world.github.graphql_url, {"query": query})

    page = (await browser.get(P)).body

    assert 'class="alert alert-caution"' in page
    assert "[!CAUTION]" not in page
    assert "marked as outdated" in page
