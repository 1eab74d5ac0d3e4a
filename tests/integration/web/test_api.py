"""`/api/v1`: what it answers, to whom, and that no request makes it fail."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from bot.domain.core.model import Permission, RunKind, RunStatus
from bot.services.run_records.filters import NAMES
from bot.web.api.openapi import document
from tests.fakes.records.builders import HEAD, NOON
from tests.integration.web.login import log_in
from tests.integration.web.world import World

_ONE = "r000000000000001"
_POLICY = "1" * 64
_ROUTES = (
    "/api/v1/runs",
    f"/api/v1/runs/{_ONE}",
    f"/api/v1/runs/{_ONE}/timeline",
    "/api/v1/repos/acme/infra/policies",
    f"/api/v1/repos/acme/infra/policies/{_POLICY}",
    "/api/v1/repos/acme/infra/policies/in-force",
)


@pytest.fixture
async def filled(world: World) -> World:
    """Four runs in three repositories, of which `dev` may read two."""
    world.github.rights["acme/infra", "dev"] = Permission.READ
    world.github.rights["acme/web", "dev"] = Permission.READ
    await world.add_run(_ONE)
    await world.add_run("r000000000000002", repo="acme/web", env="prod", pull=8, status=RunStatus.FAILED)
    await world.add_run("r000000000000003", repo="acme/secret", actor="stranger")
    await world.add_run("r000000000000004", kind=RunKind.APPLY, pull=None, status=RunStatus.RUNNING)
    async with world.database.write() as writer:
        for repo in ("acme/infra", "acme/secret"):
            await writer.record_policy(repo, _POLICY, "version: 1\n", HEAD, NOON)
    return world


@pytest.fixture
async def reader(filled: World) -> World:
    await log_in(filled, "dev")
    return filled


async def ask(world: World, path: str) -> tuple[int, Any]:
    headers = {"Accept": "text/html,application/json"}
    async with world.client.get(path, allow_redirects=False, headers=headers) as response:
        return response.status, await response.json()


async def listed(world: World, query: str) -> list[str]:
    status, body = await ask(world, f"/api/v1/runs{query}")
    assert status == 200, body
    return [run["id"].lstrip("r0") for run in body["runs"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["4", "2", "1"]),
        ("?repo=ACME/web", ["2"]),
        ("?repo=acme/secret", []),
        ("?actor=stranger", []),
        ("?has_risk_summary=true", ["1"]),
        ("?has_risk_summary=false", ["4", "2"]),
        ("?kind=apply&status=running", ["4"]),
        ("?before=r000000000000004&limit=1", ["2"]),
        (f"?release_candidate={HEAD}&correlation_id=c&env=staging&pull=7", ["1"]),
    ],
)
async def test_runs_that_may_be_read_are_listed(reader: World, query: str, ids: list[str]) -> None:
    assert await listed(reader, query) == ids


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/runs?has_risk_summary=maybe", "has_risk_summary: 'maybe' is not true or false"),
        ("/api/v1/runs?has_risk_summary=", "has_risk_summary: '' is not true or false"),
        ("/api/v1/runs?limit=201", "limit: '201' is not a number from 1 to 200"),
        ("/api/v1/runs?env=a&env=b", "'env' is given more than once"),
        ("/api/v1/runs?before=r000000000000003", "before: there is no run r000000000000003"),
        (f"/api/v1/runs/{_ONE}?env=a", "unknown parameter 'env'"),
        ("/api/v1/repos/acme/infra/policies/1", "'1' is not a digest of 64 hexadecimal digits"),
        ("/api/v1/repos/acme/infra/policies?before=x", "'x' is not a digest of 64 hexadecimal digits"),
    ],
)
async def test_impossible_parameter_is_named(reader: World, path: str, message: str) -> None:
    status, body = await ask(reader, path)

    assert (status, body["error"]) == (400, message)
    assert set(body) == {"error", "request_id"}


@pytest.mark.parametrize("route", _ROUTES)
async def test_answers_are_as_the_document_says(reader: World, route: str) -> None:
    paths, described = document("v1")["paths"], document("v1")
    template = next(path for path in sorted(paths) if _fits(path, route))
    schema = paths[template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    status, body = await ask(reader, route)

    assert status == 200
    OAS31Validator({**schema, "components": described["components"]}).validate(body)


def _fits(template: str, route: str) -> bool:
    parts, given = template.split("/"), route.split("/")
    return len(parts) == len(given) and all(
        one == other or one.startswith("{") for one, other in zip(parts, given, strict=True)
    )


@pytest.mark.parametrize("route", _ROUTES)
async def test_stranger_learns_nothing(filled: World, route: str) -> None:
    known = await ask(filled, route)
    unknown = await ask(filled, "/api/v1/runs/r999999999999999")

    assert (known[0], unknown[0]) == (401, 401)
    assert known[1]["error"] == unknown[1]["error"]


@pytest.mark.parametrize("route", _ROUTES[1:])
async def test_what_outsiders_may_not_read_does_not_exist(filled: World, route: str) -> None:
    await log_in(filled, "outsider")

    status, body = await ask(filled, route)

    assert (status, body["error"]) == (404, "not found, or you have no access")
    assert await listed(filled, "") == []


async def test_reader_sees_no_record_of_another_repository(reader: World) -> None:
    for route in (
        "/api/v1/runs/r000000000000003",
        "/api/v1/runs/r000000000000003/timeline",
        "/api/v1/repos/acme/secret/policies",
        f"/api/v1/repos/acme/secret/policies/{_POLICY}",
    ):
        assert (await ask(reader, route))[0] == 404, route


async def test_right_that_was_taken_away_hides_the_run(reader: World) -> None:
    assert (await ask(reader, f"/api/v1/runs/{_ONE}"))[0] == 200
    reader.github.rights["acme/infra", "dev"] = Permission.NONE
    reader.clock.advance(seconds=21)

    assert (await ask(reader, f"/api/v1/runs/{_ONE}"))[0] == 404


async def test_document_is_served_to_everybody(world: World) -> None:
    status, body = await ask(world, "/api/v1/openapi.json")

    assert (status, body) == (200, document("1.2.3"))


_fuzz = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@_fuzz
@given(query=st.dictionaries(st.sampled_from(NAMES) | _text, _text, max_size=4))
async def test_no_filter_makes_it_fail(reader: World, query: dict[str, str]) -> None:
    async with reader.client.get("/api/v1/runs", params=query) as response:
        assert response.status in {200, 400}


@_fuzz
@given(
    route=st.sampled_from(
        ["runs/{}", "runs/{}/timeline", "repos/{}/{}/policies", "repos/acme/infra/policies/{}"]
    ),
    text=_text,
)
async def test_no_path_makes_it_fail(reader: World, route: str, text: str) -> None:
    path = route.format(*[quote(text, safe="")] * 2)

    async with reader.client.get(f"/api/v1/{path}", allow_redirects=False) as response:
        assert response.status in {200, 400, 404}
