"""A public Python client, whose models are made of GitHub's description, reads the stand-in's answers and webhooks."""

from __future__ import annotations

from typing import Any

from githubkit import AppAuthStrategy, GitHub
from githubkit.cache import MemCacheStrategy
from githubkit_schemas.v2022_11_28 import models

from tests.integration.standin.conftest import REPO, World, app_key, clock, receiver, world

__all__ = ["app_key", "clock", "receiver", "world"]
VERSION = "2022-11-28"
OWNER, _, NAME = REPO.partition("/")


def client(world: World) -> Any:
    config = world.github.config
    auth = AppAuthStrategy(config.app_id, world.github.private_key_pem)
    return GitHub(
        auth,
        base_url=world.github.api_url,
        http_cache=False,
        auto_retry=False,
        # Else clients of one process share what they sign with, although each stand-in has another key.
        cache_strategy=MemCacheStrategy(),
    )


def model(event: str) -> Any:
    """Return the model of one event; the client's own parser would first load those of all other actions."""
    words = event.replace(".", "_").split("_")
    return getattr(models, "Webhook" + "".join(word.capitalize() for word in words))


async def busy_day(world: World) -> int:
    """Cause each event that the App subscribes to; returns the number of the pull request."""
    github = world.github
    pull = await github.open_pull(REPO, author="dev", branch="f", files={"terraform/f.tf": "# f\n"})
    number = pull.number
    await github.comment(REPO, number, author="dev", body="/plan")
    await github.review(REPO, number, author="owner", state="approved", body="good")
    await github.push(REPO, "f", {"terraform/f.tf": "# g\n"}, author="dev")
    bot = await world.bot()
    check = {
        "name": "gatewright/plan",
        "head_sha": github.pull(REPO, number).head_sha,
        "conclusion": "success",
    }
    run = (await bot.post(f"/repos/{REPO}/check-runs", check)).body["id"]
    await github.rerequest(run, author="dev")
    await bot.post(f"/repos/{REPO}/statuses/{pull.head_sha}", {"state": "success", "context": "tests"})
    await github.queue(REPO, number, author="owner")
    await github.merge(REPO, number, author="owner")
    await github.settled()
    return number


async def test_every_webhook_is_read_and_its_signature_holds(world: World) -> None:
    await busy_day(world)

    secret = world.github.config.webhook_secret
    for each in world.receiver.received:
        assert GitHub.webhooks(VERSION).verify(secret, each.raw, each.headers["X-Hub-Signature-256"])
        model(each.event).model_validate_json(each.raw)

    assert {each.event.partition(".")[0] for each in world.receiver.received} >= set(
        world.github.config.app_events
    )


async def test_answers_about_a_pull_request_are_read(world: World) -> None:
    number = await busy_day(world)
    app = client(world)
    installation = (await app.rest(VERSION).apps.async_list_installations()).parsed_data[0]
    bot = app.with_auth(app.auth.as_installation(installation.id))
    rest = bot.rest(VERSION)

    pull = (await rest.pulls.async_get(OWNER, NAME, number)).parsed_data
    reviews = (await rest.pulls.async_list_reviews(OWNER, NAME, number)).parsed_data
    files = (await rest.pulls.async_list_files(OWNER, NAME, number)).parsed_data
    runs = (await rest.checks.async_list_for_ref(OWNER, NAME, pull.head.sha)).parsed_data
    comment = (await rest.issues.async_create_comment(OWNER, NAME, number, body="hello")).parsed_data

    assert (pull.number, pull.merged, pull.base.ref) == (number, True, "main")
    assert [(each.state, each.user.login) for each in reviews] == [("APPROVED", "owner")]
    assert [each.filename for each in files] == ["terraform/f.tf"]
    assert "gatewright/plan" in [each.name for each in runs.check_runs]
    assert (comment.body, comment.user.login) == ("hello", "gatewright[bot]")


async def test_answers_about_the_app_are_read(world: World) -> None:
    app = client(world)

    told = (await app.rest(VERSION).apps.async_get_authenticated()).parsed_data
    installations = (await app.rest(VERSION).apps.async_list_installations()).parsed_data
    hook = (await app.rest(VERSION).apps.async_get_webhook_config_for_app()).parsed_data

    assert told.slug == "gatewright"
    assert sorted(told.events) == sorted(world.github.config.app_events)
    assert installations[0].permissions.merge_queues == "read"
    assert (hook.url, hook.content_type) == (world.receiver.url, "json")
