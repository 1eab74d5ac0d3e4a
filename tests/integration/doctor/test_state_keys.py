"""What doctor says of key pairs, on a store that gives each one exactly the rights that a test wants."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.doctor.findings import Finding, attempt
from bot.doctor.states import state_part
from bot.domain.core.model import EnvName
from bot.settings import EnvironmentSecrets, Settings

_KEY_ID = re.compile(r"Credential=([a-z-]+)/")
EVERYTHING = frozenset(
    f"{method} /states/{env}/" for method in ("GET", "PUT", "DELETE") for env in ("staging", "prod")
)
STAGING = frozenset(right for right in EVERYTHING if "staging" in right)


@dataclass
class Store:
    """Objects in a dictionary, behind a right per key pair, method and environment."""

    url: str = ""
    rights: dict[str, frozenset[str]] = field(
        default_factory=lambda: {
            "bot": EVERYTHING,
            "plan": frozenset({"GET /states/staging/"}),
            "apply": STAGING,
        }
    )
    objects: dict[str, bytes] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    """Rights that nobody can use just now."""

    async def answer(self, request: web.Request) -> web.Response:
        found = _KEY_ID.search(request.headers.get("Authorization", ""))
        right = f"{request.method} {request.path.rpartition('/')[0]}/"
        if right in self.broken:
            return web.Response(status=501, text="<Error><Code>NotImplemented</Code></Error>")
        if found is None or right not in self.rights.get(found[1], frozenset()):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if request.method == "PUT":
            self.objects[request.path] = await request.read()
        elif request.method == "DELETE":
            self.objects.pop(request.path, None)
        elif request.path not in self.objects:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        else:
            return web.Response(body=self.objects[request.path])
        return web.Response()


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    made = Store()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def look(store: Store) -> Finding:
    settings = Settings.model_construct(
        s3_endpoint_url=store.url,
        s3_region="auto",
        state_bucket="states",
        s3_access_key_id=SecretStr("bot"),
        s3_secret_access_key=SecretStr("secret"),
    )
    given = {
        f"GATEWRIGHT_STAGING_{purpose}STATE_{name}": value
        for purpose, pair in (("PLAN_", "plan"), ("", "apply"))
        for name, value in (("ACCESS_KEY_ID", pair), ("SECRET_ACCESS_KEY", "secret"))
    }
    envs = (EnvName("prod"), EnvName("staging"))
    return await attempt(state_part(settings, EnvironmentSecrets(given), EnvName("staging"), envs), {})


async def test_key_pairs_that_reach_exactly_what_they_must_are_well(store: Store) -> None:
    found = await look(store)

    assert (found.grade, store.objects) == ("ok", {}), found.sentence


@pytest.mark.parametrize(
    ("pair", "more", "fewer", "said"),
    [
        pytest.param("plan", {"PUT /states/staging/"}, set(), "plans can write", id="plans may write only"),
        pytest.param("plan", set(), {"GET /states/staging/"}, "plans cannot read", id="plans may not read"),
        pytest.param("plan", {"GET /states/prod/"}, set(), "reaches the state of prod", id="plans read prod"),
        pytest.param(
            "apply", {"PUT /states/prod/"}, set(), "reaches the state of prod", id="applies write prod"
        ),
        pytest.param(
            "apply", set(), {"PUT /states/staging/"}, "cannot write staging/", id="applies read only"
        ),
    ],
)
async def test_key_pair_with_another_reach_is_reported_and_leaves_nothing(
    store: Store, pair: str, more: set[str], fewer: set[str], said: str
) -> None:
    store.rights[pair] = (store.rights[pair] | more) - fewer

    found = await look(store)

    assert found.grade == "error"
    assert said in found.sentence
    assert store.objects == {}


@pytest.mark.parametrize("broken", ["GET /states/prod/", "PUT /states/staging/"])
async def test_store_that_does_not_answer_is_no_proof_of_limit(store: Store, broken: str) -> None:
    store.broken = frozenset({broken})

    found = await look(store)

    assert found.grade == "error"
    assert "501" in found.sentence
