"""What the stand-in sends, read as the bot reads it: both sides follow GitHub's documents on their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.domain.core.model import Sha
from bot.events import (
    CheckRunPayload,
    IssueCommentPayload,
    PullRequestPayload,
    PushPayload,
    ReviewPayload,
)
from bot.ports import Check, CheckButton
from bot.web.events import IncomingEvent, parse_event
from tests.integration.github.conftest import REPO, World


@pytest.fixture
async def inbox(world: World) -> AsyncIterator[list[IncomingEvent]]:
    received: list[IncomingEvent] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        received.append(parse_event(request.headers, body, secret=world.github.config.webhook_secret))
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/webhooks/github", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world.github.set_webhook_url(f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/github")
    yield received
    await runner.cleanup()


async def test_life_of_a_pull_request_is_read_event_by_event(
    world: World, inbox: list[IncomingEvent]
) -> None:
    github = world.github

    pull = await github.open_pull(REPO, author="dev", branch="topic", files={"a.tf": "#\n"})
    await github.comment(REPO, pull.number, author="dev", body="/plan")
    await github.review(REPO, pull.number, author="owner", state="approved")
    await github.push(REPO, "topic", {"b.tf": "#\n"}, author="dev")
    await github.merge(REPO, pull.number, author="owner")
    await github.settled()

    told = [(each.event, each.action, each.pull) for each in inbox]
    for expected in (
        ("pull_request", "opened", 1),
        ("issue_comment", "created", 1),
        ("pull_request_review", "submitted", 1),
        ("pull_request", "synchronize", 1),
        ("pull_request", "closed", 1),
        ("push", None, None),
    ):
        assert expected in told
    assert {each.repo_full_name for each in inbox} == {REPO}
    kinds = (CheckRunPayload, IssueCommentPayload, PullRequestPayload, PushPayload, ReviewPayload)
    assert all(isinstance(each.payload, kinds) for each in inbox if each.event not in {"ping", "check_suite"})


async def test_a_pressed_button_is_read(world: World, inbox: list[IncomingEvent]) -> None:
    pull = await world.github.open_pull(REPO, author="dev", branch="topic", files={"a.tf": "#\n"})
    check = Check(
        name="gatewright/apply",
        head_sha=Sha(pull.head_sha),
        conclusion="action_required",
        title="t",
        summary="s",
        external_id="run-1",
        buttons=(CheckButton(label="Apply", description="Apply staging", identifier="apply:staging"),),
    )
    check_id = await world.app.create_check(world.repo, check)

    await world.github.press(check_id, "apply:staging", author="dev")
    await world.github.settled()

    pressed = inbox[-1]
    assert (pressed.event, pressed.action, pressed.pull, pressed.sender) == (
        "check_run",
        "requested_action",
        pull.number,
        "dev",
    )
    assert isinstance(pressed.payload, CheckRunPayload)
    assert pressed.payload.check_run.external_id == "run-1"
    assert pressed.payload.requested_action is not None
    assert pressed.payload.requested_action.identifier == "apply:staging"
