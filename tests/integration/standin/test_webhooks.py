"""What is delivered, in which shape, and what goes wrong on the way."""

import asyncio
import hashlib
import hmac
import time

from .conftest import REPO, World

R = f"/repos/{REPO}"


async def test_every_turn_of_a_pull_request_is_told(world: World) -> None:
    github = world.github
    await github.push(REPO, "next", {"n": "1\n"}, author="admin")
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"}, draft=True)
    n = pull.number
    await github.mark_ready(REPO, n, author="dev")
    await github.mark_draft(REPO, n, author="dev")
    await github.mark_ready(REPO, n, author="dev")
    await github.edit_base(REPO, n, base="next", author="dev")
    comment = await github.comment(REPO, n, author="dev", body="/plan")
    await github.edit_comment(comment.id, body="/plan prod")
    await github.delete_comment(comment.id)
    review = await github.review(REPO, n, author="owner", state="approved", body="good")
    await github.dismiss_review(review.id, author="admin")
    await github.close(REPO, n, author="dev")
    await github.reopen(REPO, n, author="dev")
    await github.merge(REPO, n, author="owner")
    await github.settled()

    start = world.receiver.events().index("pull_request.opened")
    seen = [each for each in world.receiver.events()[start:] if not each.startswith("check_suite")]

    assert seen == [
        "pull_request.opened",
        "pull_request.ready_for_review",
        "pull_request.converted_to_draft",
        "pull_request.ready_for_review",
        "pull_request.edited",
        "issue_comment.created",
        "issue_comment.edited",
        "issue_comment.deleted",
        "pull_request_review.submitted",
        "pull_request_review.dismissed",
        "pull_request.closed",
        "pull_request.reopened",
        "pull_request.closed",
        "push",
    ]
    edited = world.receiver.last("pull_request.edited").body
    assert edited["changes"]["base"]["ref"] == {"from": "main"}
    assert edited["pull_request"]["base"]["ref"] == "next"
    changed = world.receiver.last("issue_comment.edited").body
    assert changed["changes"] == {"body": {"from": "/plan"}}
    assert world.receiver.last("pull_request.closed").body["pull_request"]["merged"] is True


async def test_payloads_have_the_quirks_of_githubs(world: World) -> None:
    github = world.github
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n", "b": "2\n"})
    await github.push(REPO, "f", {"a": None, "b": "3\n", "c": "4\n"}, author="dev")
    await github.review(REPO, pull.number, author="owner", state="approved")
    await github.settled()

    push = world.receiver.last("push").body
    assert isinstance(push["repository"]["pushed_at"], int)
    assert push["ref"] == "refs/heads/f"
    assert push["head_commit"]["added"] == ["c"]
    assert push["head_commit"]["removed"] == ["a"]
    assert push["head_commit"]["modified"] == ["b"]
    assert push["pusher"]["name"] == "dev"
    review = world.receiver.last("pull_request_review.submitted").body
    assert review["review"]["state"] == "approved"
    assert review["review"]["commit_id"] == pull.head_sha
    opened = world.receiver.last("pull_request.opened").body
    assert opened["pull_request"]["mergeable"] is None
    assert opened["organization"]["login"] == "acme"
    installation = world.receiver.last("installation.created").body["installation"]
    assert opened["installation"]["id"] == installation["id"]
    assert opened["sender"]["login"] == "dev"


async def test_a_button_and_a_rerun_reach_the_app(world: World) -> None:
    github = world.github
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    bot = await world.bot()
    body = {
        "name": "gatewright/plan",
        "head_sha": pull.head_sha,
        "conclusion": "success",
        "actions": [{"label": "Apply", "description": "Apply it", "identifier": "apply"}],
    }
    run = (await bot.post(f"{R}/check-runs", body)).body

    await github.press(run["id"], "apply", author="dev")
    await github.rerequest(run["id"], author="owner")
    await github.rerequest_suite(REPO, pull.head_sha, author="owner")
    await github.settled()

    pressed = world.receiver.last("check_run.requested_action").body
    assert pressed["requested_action"] == {"identifier": "apply"}
    assert pressed["check_run"]["pull_requests"][0]["number"] == pull.number
    assert world.receiver.last("check_run.rerequested").body["sender"]["login"] == "owner"
    assert world.receiver.last("check_suite.rerequested").body["check_suite"]["head_sha"] == pull.head_sha


async def test_failed_delivery_is_logged_never_repeated_and_can_be_redelivered(world: World) -> None:
    github, app = world.github, world.app()
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await github.settled()
    world.receiver.answers.append(503)

    await github.comment(REPO, pull.number, author="dev", body="/plan")
    await github.settled()

    failed = (await app.get("/app/hook/deliveries?status=failure")).body
    assert [(each["event"], each["status_code"]) for each in failed] == [("issue_comment", 503)]
    first = world.receiver.last("issue_comment.created")
    answer = await app.post(f"/app/hook/deliveries/{failed[0]['id']}/attempts")
    await github.settled()
    again = world.receiver.last("issue_comment.created")
    assert answer.status == 202
    assert first is not again
    assert first.raw == again.raw
    assert first.headers["X-GitHub-Delivery"] == again.headers["X-GitHub-Delivery"] == failed[0]["guid"]
    newest = (await app.get("/app/hook/deliveries?per_page=1")).body[0]
    assert (newest["redelivery"], newest["status"], newest["guid"]) == (True, "OK", failed[0]["guid"])


async def test_the_delivery_log_is_paged_by_cursor(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    for number in range(5):
        await world.github.comment(REPO, pull.number, author="dev", body=f"{number}")
    await world.github.settled()

    found, url = [], "/app/hook/deliveries?per_page=3"
    while url:
        page = await world.app().get(url)
        found += [each["id"] for each in page.body]
        link = page.headers.get("Link", "")
        url = link.partition("<")[2].partition(">")[0]

    assert found == sorted((each.id for each in world.github.deliveries), reverse=True)


async def test_deliveries_can_be_held_turned_doubled_and_lost(world: World) -> None:
    github = world.github
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await github.settled()
    start = len(world.receiver.received)

    github.hooks.pause()
    for name in ("one", "two", "three"):
        await github.comment(REPO, pull.number, author="dev", body=name)
    assert len(world.receiver.received) == start
    github.hooks.reverse()
    github.hooks.lose_next()
    github.hooks.duplicate_next()
    github.hooks.resume()
    await github.settled()

    bodies = [each.body["comment"]["body"] for each in world.receiver.received[start:]]
    assert bodies == ["two", "two", "one"]


async def test_what_is_held_back_is_sent_however_much_it_is(world: World) -> None:
    github = world.github
    more_than_kept = github.config.kept_deliveries + 10
    world.receiver.received.clear()

    github.hooks.pause()
    for _ in range(more_than_kept):
        github.ping()
    github.hooks.resume()
    await github.settled()

    assert world.receiver.events().count("ping") == more_than_kept


async def test_the_old_signature_is_sent_too(world: World) -> None:
    world.github.ping()
    await world.github.settled()

    hook = world.receiver.last("ping")
    digest = hmac.new(world.github.config.webhook_secret.encode(), hook.raw, hashlib.sha1).hexdigest()
    assert hook.headers["X-Hub-Signature"] == f"sha1={digest}"
    assert hook.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert hook.headers["X-GitHub-Hook-ID"].isdigit()


async def test_acting_does_not_wait_for_a_receiver_that_is_away(world: World) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="f", files={"a": "1\n"})
    await world.github.settled()
    world.github.set_webhook_url("http://127.0.0.1:1/webhooks")

    await world.github.comment(REPO, pull.number, author="dev", body="/plan")

    waiting = [each.status for each in world.github.deliveries[-1:]]
    assert waiting == ["pending"]
    await world.github.settled()
    assert world.github.deliveries[-1].status.startswith("failed to connect")


async def test_nothing_is_sent_for_a_repository_without_the_app(world: World) -> None:
    await world.github.create_repo("acme/plain", installed=False)
    world.github.set_permission("acme/plain", "dev", "write")

    pull = await world.github.open_pull("acme/plain", author="dev", branch="f", files={"a": "1\n"})
    await world.github.settled()

    names = [each.body.get("repository", {}).get("full_name") for each in world.receiver.received]
    assert pull.number == 1
    assert "acme/plain" not in names


async def test_settling_ends_soon_after_the_last_answer(world: World) -> None:
    deadline = time.monotonic() + 30

    await asyncio.wait_for(world.github.settled(), timeout=30)

    assert time.monotonic() < deadline
    assert world.github.hooks.pending == []
