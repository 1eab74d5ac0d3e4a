from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import pytest

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import EnvName, RunKind, RunStatus
from bot.logs import formatter
from tests.integration.web.served import Served
from tests.integration.web.world import World, comment, never


async def _fine() -> None:
    await asyncio.sleep(0)


async def _broken() -> None:
    raise GatewrightError("postgresql://bot:password@db refused")


async def test_it_says_that_it_lives_and_its_version(world: World) -> None:
    async with world.client.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok", "version": "1.2.3"})


async def test_it_is_ready_when_every_part_works(world: World, served: Served) -> None:
    client = await served(checks={"database": world.database.check, "github": _fine})

    async with client.get("/readyz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", "database": "ok", "github": "ok"}


async def test_failed_or_hanging_part_is_named_and_nothing_else(served: Served) -> None:
    client = await served(
        checks={"database": _broken, "object_store": never, "github": _fine}, check_seconds=0.05
    )

    async with client.get("/readyz") as response:
        text = await response.text()

    assert response.status == 503
    assert json.loads(text) == {
        "status": "failed",
        "database": "failed",
        "object_store": "failed",
        "github": "ok",
    }


async def test_many_readiness_requests_ask_each_part_once(served: Served) -> None:
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1

    client = await served(checks={"database": count}, check_cache_seconds=3600.0)

    async def ask() -> int:
        async with client.get("/readyz") as response:
            return response.status

    statuses = await asyncio.gather(*(ask() for _ in range(10)))

    assert (set(statuses), asked) == ({200}, 1)


async def test_metrics_are_for_the_bearer_of_the_token(world: World) -> None:
    await world.deliver(comment())
    world.services.metrics.run_started(RunKind.PLAN, 0.2)
    world.services.metrics.run_finished(RunKind.PLAN, EnvName("staging"), RunStatus.SUCCEEDED, 3.0)
    world.services.metrics.github_request(200)
    world.services.metrics.github_request(None)

    headers = {"Authorization": "Bearer metrics token"}
    async with world.client.get("/metrics", headers=headers) as response:
        lines = (await response.text()).splitlines()

    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'gatewright_deliveries_total{event="issue_comment",outcome="accepted"} 1.0' in lines
    assert 'gatewright_queue_depth{queue="inbox"} 1.0' in lines
    assert "gatewright_stranded_workflows 0.0" in lines
    assert 'gatewright_runs_total{env="staging",kind="plan",status="succeeded"} 1.0' in lines
    assert 'gatewright_run_seconds_sum{env="staging",kind="plan",status="succeeded"} 3.0' in lines
    assert 'gatewright_queue_wait_seconds_count{kind="plan"} 1.0' in lines
    assert 'gatewright_github_requests_total{status="none"} 1.0' in lines


@pytest.mark.parametrize("given", [None, "Bearer wrong", "metrics token", "Basic metrics token", "Bearer "])
async def test_metrics_without_the_token_are_refused(world: World, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}

    async with world.client.get("/metrics", headers=headers) as response:
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("given", ["Bearer ", "Bearer", ""])
async def test_without_a_configured_token_there_are_no_metrics(served: Served, given: str) -> None:
    client = await served(metrics_token="")

    async with client.get("/metrics", headers={"Authorization": given}) as response:
        assert response.status == 404


async def test_the_front_page_says_what_this_is(world: World) -> None:
    async with world.client.get("/") as response:
        text = await response.text()

    assert response.content_type == "text/html"
    assert "Version 1.2.3" in text
    assert 'href="/login?next=/runs"' in text


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/readyz", "/metrics", "/nothing", "/runs/r1", "/runs", "/style.css", "/live.js"],
)
async def test_every_answer_has_safe_headers(world: World, path: str) -> None:
    async with world.client.get(path, allow_redirects=False) as response:
        headers = response.headers

    assert headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; script-src 'self';"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Server"] == "gatewright"
    assert len(headers["X-Request-Id"]) == 16
    assert headers["Cache-Control"] == ("max-age=3600" if path in {"/style.css", "/live.js"} else "no-store")


async def test_the_page_style_is_served(world: World) -> None:
    async with world.client.get("/style.css") as response:
        assert (response.status, response.content_type) == (200, "text/css")


async def test_what_is_not_there_is_told_in_reader_s_language(world: World) -> None:
    async with (
        world.client.get("/nothing") as plain,
        world.client.get("/nothing", headers={"Accept": "text/html,*/*"}) as browser,
    ):
        assert (plain.status, plain.content_type) == (404, "application/json")
        assert (browser.status, browser.content_type) == (404, "text/html")


async def test_crash_is_logged_with_its_request_id_and_not_told(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash() -> dict[str, int]:
        raise LookupError("private detail")

    client = await served(loads=crash)

    headers = {"Authorization": "Bearer metrics token"}
    async with client.get("/metrics", headers=headers) as response:
        body = await response.json()

    assert response.status == 500
    assert "private detail" not in json.dumps(body)
    assert body["request_id"] == response.headers["X-Request-Id"]
    [record] = [one for one in caplog.records if one.name == "bot.web.middleware"]
    assert body["request_id"] in record.getMessage()
    assert record.exc_info is not None


async def test_access_log_has_field_per_fact_and_holds_no_query(
    access_log: Callable[[], Awaitable[tuple[str, list[logging.LogRecord]]]],
) -> None:
    url, records = await access_log()

    [line] = [json.loads(formatter("json", str).format(record)) for record in records]

    assert (line["method"], line["path"], line["status"]) == ("GET", "/login/callback", 400)
    assert "secret-code" in url
    assert "secret-code" not in json.dumps(line)


async def test_readiness_tells_of_a_replaced_repository_and_stays_ready(served: Served) -> None:
    async def remarks() -> dict[str, str]:
        return {"repositories": "1 listed names are other repositories now"}

    client = await served(remarks=remarks)

    async with client.get("/readyz") as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok", **await remarks()}
