"""Whatever arrives at the webhook, the answer is never an internal error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.web.world import World, comment, signed

_GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
_header_text = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
)
_names = st.sampled_from(
    [
        "Content-Type",
        "X-GitHub-Event",
        "X-GitHub-Delivery",
        "X-Hub-Signature-256",
        "Content-Encoding",
        "Accept",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_events = st.sampled_from(
    ["issue_comment", "pull_request", "push", "check_run", "pull_request_review", "ping"]
)
_ours = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_ours
@given(body=st.binary(max_size=200), headers=st.dictionaries(_names, _header_text, max_size=5))
async def test_any_headers_and_body(world: World, body: bytes, headers: dict[str, str]) -> None:
    async with world.client.post("/webhooks/github", data=body, headers=headers) as response:
        assert 400 <= response.status < 500


@_ours
@given(event=_events, payload=_json)
async def test_any_signed_payload(world: World, event: str, payload: Any) -> None:
    body = json.dumps(payload).encode()

    async with world.client.post(
        "/webhooks/github", data=body, headers=signed(body, event, _GUID)
    ) as response:
        answer = await response.json()

    assert response.status in {200, 202, 400}
    assert ("error" in answer) == (response.status == 400)


@_ours
@given(
    path=st.sampled_from(
        [
            "action",
            "repository",
            "repository.full_name",
            "issue",
            "issue.number",
            "sender",
            "comment",
            "installation.id",
        ]
    ),
    value=_json,
)
async def test_any_part_of_a_real_payload_replaced(world: World, path: str, value: Any) -> None:
    payload = comment()
    *outer, last = path.split(".")
    place = payload
    for name in outer:
        place = place[name]
    place[last] = value
    body = json.dumps(payload).encode()

    async with world.client.post(
        "/webhooks/github", data=body, headers=signed(body, "issue_comment", _GUID)
    ) as response:
        assert response.status in {200, 202, 400}
