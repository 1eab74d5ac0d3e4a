from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import (
    CheckRunPayload,
    IssueCommentPayload,
    Payload,
    PullRequestPayload,
    PushPayload,
    ReviewPayload,
)
from bot.web.events import PAYLOADS, BadRequest, IncomingEvent, parse_event, payload_of
from tests.unit.web.payloads import COMMENT, COMMON, REPOSITORY, USER

SECRET = "a webhook secret"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
TIP = {"ref": "topic", "sha": "a" * 40, "repo": REPOSITORY}
PULL = {
    "number": 12,
    "title": "Change",
    "state": "open",
    "user": USER,
    "draft": False,
    "merged": False,
    "head": TIP,
    "base": {**TIP, "ref": "main"},
}


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(body: bytes, event: str = "issue_comment", **changes: str) -> dict[str, str]:
    plain = {
        "X-Hub-Signature-256": signature(body),
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": GUID,
    }
    return plain | {name.replace("_", "-"): value for name, value in changes.items()}


def received(event: str, payload: Mapping[str, Any]) -> IncomingEvent:
    body = json.dumps(payload).encode()
    return parse_event(headers(body, event), body, secret=SECRET)


def refused(given_headers: Mapping[str, str], body: bytes, secret: str = SECRET) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse_event(given_headers, body, secret=secret)
    return caught.value


def on_pull(**changes: Any) -> dict[str, Any]:
    issue = {"number": 12, "title": "Change", "state": "open", "user": USER, "pull_request": {"url": "x"}}
    return {"action": "created", "issue": issue, "comment": COMMENT, **COMMON, **changes}


def test_a_comment_on_a_pull_request_is_understood() -> None:
    event = received("issue_comment", on_pull())

    assert (event.delivery_id, event.event, event.action) == (GUID, "issue_comment", "created")
    assert (event.repo_full_name, event.pull, event.sender) == ("acme/infra", 12, "dev")
    assert isinstance(event.payload, IssueCommentPayload)
    assert event.payload.comment.id == 3_000_000_000_000
    assert event.payload.installation is not None
    assert event.payload.installation.id == 77


def test_comment_on_a_plain_issue_is_of_no_pull_request() -> None:
    issue = {"number": 4, "title": "Bug", "state": "open", "user": USER}

    assert received("issue_comment", on_pull(issue=issue)).pull is None


@pytest.mark.parametrize(
    ("author", "via", "machine"),
    [
        ({"login": "dev", "type": "User"}, None, False),
        ({"login": "gatewright[bot]", "type": "Bot"}, None, True),
        ({"login": "dev", "type": "User"}, {"id": 9, "slug": "helper"}, True),
        (None, None, False),
    ],
    ids=["a person", "a bot", "an app in a person's name", "a deleted user"],
)
def test_a_comment_tells_whether_a_machine_wrote_it(
    author: dict[str, str] | None, via: dict[str, Any] | None, *, machine: bool
) -> None:
    comment = {**COMMENT, "user": author, "performed_via_github_app": via}

    payload = received("issue_comment", on_pull(comment=comment)).payload

    assert payload.comment is not None
    assert payload.comment.is_by_a_machine is machine


@pytest.mark.parametrize(
    ("action", "body", "kind", "command"),
    [
        ("created", " \n/plan staging", "User", True),
        ("created", "see /plan", "User", False),
        ("created", None, "User", False),
        ("edited", "/plan", "User", False),
        ("created", "/plan", "Bot", False),
    ],
    ids=["a command", "words", "nothing", "an edited command", "a command by a bot"],
)
def test_people_wait_for_the_answers_to_their_commands(
    action: str, body: str | None, kind: str, *, command: bool
) -> None:
    comment = {**COMMENT, "body": body, "user": {**USER, "type": kind}}

    payload = received("issue_comment", on_pull(comment=comment) | {"action": action}).payload

    assert payload.is_command is command


def test_people_wait_for_answers_to_buttons_not_to_pushes() -> None:
    check = {"id": 1, "name": "gatewright/plan", "head_sha": "a" * 40, "pull_requests": []}
    button = received("check_run", {"action": "rerequested", "check_run": check, **COMMON})
    push = received("pull_request", {"action": "synchronize", "pull_request": PULL, **COMMON})

    assert (button.payload.is_command, push.payload.is_command) == (True, False)


def test_deleted_users_and_a_deleted_fork_are_no_errors() -> None:
    pull = {**PULL, "user": None, "head": {**TIP, "repo": None}}

    event = received("pull_request", {"action": "closed", "pull_request": pull, **COMMON, "sender": None})

    assert event.sender is None
    assert isinstance(event.payload, PullRequestPayload)
    assert event.payload.pull_request.user is None
    assert event.payload.pull_request.head.repo is None
    assert event.pull == 12


def test_an_edited_base_tells_the_earlier_one() -> None:
    changes = {"base": {"ref": {"from": "main"}, "sha": {"from": "b" * 40}}}

    payload = received(
        "pull_request", {"action": "edited", "pull_request": PULL, "changes": changes, **COMMON}
    ).payload

    assert payload.base_changed
    assert payload.changes is not None
    assert payload.changes.base is not None
    assert payload.changes.base.ref is not None
    assert payload.changes.base.ref.before == "main"
    assert payload.changes.title is None


def test_an_edited_title_does_not_change_the_base() -> None:
    changes = {"title": {"from": "Old"}, "body": {"from": None}}

    event = received("pull_request", {"action": "edited", "pull_request": PULL, "changes": changes, **COMMON})

    assert not event.payload.base_changed


def test_a_review_is_understood() -> None:
    review = {
        "id": 1,
        "state": "approved",
        "user": USER,
        "commit_id": "a" * 40,
        "submitted_at": "2026-03-01T12:00:00Z",
    }
    pull = {name: value for name, value in PULL.items() if name != "merged"}

    event = received(
        "pull_request_review", {"action": "submitted", "review": review, "pull_request": pull, **COMMON}
    )

    assert isinstance(event.payload, ReviewPayload)
    assert (event.pull, event.payload.review.state) == (12, "approved")


def test_a_push_is_understood_and_of_no_pull_request() -> None:
    push = {"ref": "refs/heads/main", "before": "0" * 40, "after": "b" * 40, "created": True, **COMMON}

    event = received("push", push)

    assert isinstance(event.payload, PushPayload)
    assert (event.action, event.pull, event.payload.after) == (None, None, "b" * 40)


@pytest.mark.parametrize(
    ("pulls", "number"),
    [
        ([], None),
        ([{"number": 12, "base": {"repo": {"id": 5}}}], 12),
        ([{"number": 12, "base": {"repo": {"id": 6}}}], None),
        ([{"number": 12, "base": {"repo": {"id": 5}}}, {"number": 9, "base": {"repo": {"id": 6}}}], 12),
        ([{"number": 12}, {"number": 13}], None),
    ],
    ids=["none", "one here", "one elsewhere", "one here and one elsewhere", "two"],
)
def test_pressed_button_belongs_to_a_single_local_pull_request(
    pulls: list[dict[str, Any]], number: int | None
) -> None:
    check = {
        "id": 1,
        "name": "gatewright/apply",
        "head_sha": "a" * 40,
        "external_id": "run-1",
        "pull_requests": pulls,
    }
    action = {"identifier": "apply:staging"}

    event = received(
        "check_run",
        {"action": "requested_action", "check_run": check, "requested_action": action, **COMMON},
    )

    assert isinstance(event.payload, CheckRunPayload)
    assert event.payload.requested_action is not None
    assert event.payload.requested_action.identifier == "apply:staging"
    assert event.pull == number


def test_unused_event_is_read_as_far_as_all_are_alike() -> None:
    event = received("ping", {"zen": "Keep it logically awesome.", "hook_id": 1})

    assert type(event.payload) is Payload
    assert (event.action, event.repo_full_name, event.pull, event.sender) == (None, None, None, None)


def test_a_stored_body_is_understood_again() -> None:
    body = json.dumps(on_pull()).encode()

    assert payload_of("issue_comment", body) == received("issue_comment", on_pull()).payload


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_header_names_are_read_in_any_case(case: Any) -> None:
    body = json.dumps(on_pull()).encode()
    given_headers = {case(name): value for name, value in headers(body).items()}

    assert parse_event(given_headers, body, secret=SECRET).pull == 12


def test_a_redelivery_has_the_same_id_whatever_its_case() -> None:
    body = b"{}"

    event = parse_event(headers(body, "ping", X_GitHub_Delivery=GUID.upper()), body, secret=SECRET)

    assert event.delivery_id == GUID


# --- What is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (None, 401),
        ("", 400),
        ("sha256=", 400),
        ("sha256=" + "0" * 63, 400),
        ("sha256=" + "ü" * 64, 400),
        ("sha256=" + "\udce4" * 64, 400),
        ("sha256=" + "٣" * 64, 400),
        ("sha1=" + "0" * 40, 400),
        ("sha256=" + "0" * 64, 401),
        (signature(b"{}", "another secret"), 401),
        (signature(b"{} "), 401),
    ],
)
def test_a_body_without_its_own_signature_is_refused(value: str | None, status: int) -> None:
    given_headers = headers(b"{}", "ping")
    del given_headers["X-Hub-Signature-256"]
    if value is not None:
        given_headers["X-Hub-Signature-256"] = value

    assert refused(given_headers, b"{}").status == status


def test_a_sha1_signature_alone_is_refused() -> None:
    given_headers = headers(b"{}", "ping")
    del given_headers["X-Hub-Signature-256"]
    given_headers["X-Hub-Signature"] = "sha1=" + hmac.new(SECRET.encode(), b"{}", hashlib.sha1).hexdigest()

    error = refused(given_headers, b"{}")

    assert (error.status, "SHA-1" in error.reason) == (401, True)


def test_without_secret_nothing_is_accepted_not_even_its_own_signature() -> None:
    given_headers = headers(b"{}", "ping", X_Hub_Signature_256=signature(b"{}", ""))

    assert refused(given_headers, b"{}", secret="").status == 503


def test_the_signature_is_judged_before_anything_else() -> None:
    given_headers = {"X-Hub-Signature-256": "sha256=" + "0" * 64}

    assert refused(given_headers, b"[" * 100_000).status == 401


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Content-Type", "application/x-www-form-urlencoded", 415),
        ("Content-Type", "text/plain", 415),
        ("Content-Type", "", 415),
        ("X-GitHub-Event", "", 400),
        ("X-GitHub-Event", "Issue Comment", 400),
        ("X-GitHub-Event", "a" * 65, 400),
        ("X-GitHub-Event", "push\n", 400),
        ("X-GitHub-Delivery", "", 400),
        ("X-GitHub-Delivery", "not-a-guid", 400),
        ("X-GitHub-Delivery", GUID + "0", 400),
        ("X-GitHub-Delivery", "٣2d3162e-cc78-11e3-81ab-4c9367dc0958", 400),
    ],
)
def test_a_header_that_is_not_githubs_is_refused(name: str, value: str, status: int) -> None:
    body = json.dumps(on_pull()).encode()

    assert refused({**headers(body), name: value}, body).status == status


@pytest.mark.parametrize("name", ["Content-Type", "X-GitHub-Event", "X-GitHub-Delivery"])
def test_a_missing_header_is_refused(name: str) -> None:
    body = json.dumps(on_pull()).encode()
    given_headers = headers(body)
    del given_headers[name]

    assert refused(given_headers, body).status in {400, 415}


def test_json_with_a_charset_is_json() -> None:
    body = b"{}"

    event = parse_event(
        headers(body, "ping", Content_Type="Application/JSON; charset=utf-8"), body, secret=SECRET
    )

    assert event.event == "ping"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{}{}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"action": 5}',
        b'{"action": ["opened"]}',
        b'{"action": "a\\u0000b"}',
        b'{"sender": "dev"}',
        b'{"sender": {"login": 5}}',
        b'{"sender": {"login": "\\ud800"}}',
        b'{"installation": {"id": "77"}}',
        b'{"installation": {"id": 1.5}}',
        b'{"installation": {"id": true}}',
        b'{"installation": {"id": -1}}',
        b'{"installation": {"id": 9223372036854775808}}',
        b'{"installation": {"id": ' + b"9" * 5000 + b"}}",
        b'{"repository": {"id": 1, "full_name": "../..", "name": "x", "owner": {"login": 5}}}',
        b'{"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"deep": ' + b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_a_body_of_another_shape_is_refused_and_never_fails(body: bytes) -> None:
    assert refused(headers(body, "ping"), body).status == 400


@pytest.mark.parametrize("event", sorted(PAYLOADS))
def test_an_event_without_its_parts_is_refused(event: str) -> None:
    error = refused(headers(b"{}", event), b"{}")

    assert (error.status, "Field required" in error.reason) == (400, True)


def test_a_refusal_names_places_and_no_values() -> None:
    body = json.dumps(on_pull(comment={**COMMENT, "created_at": "a private text"})).encode()

    error = refused(headers(body), body)

    assert "comment.created_at" in error.reason
    assert "private" not in error.reason


# --- Any input --------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
events = st.sampled_from([*sorted(PAYLOADS), "ping", "installation"])


@given(
    given_headers=st.dictionaries(
        st.sampled_from(list(headers(b""))) | st.text(max_size=30), st.text(max_size=90), max_size=6
    ),
    body=st.binary(max_size=300),
)
def test_any_request_is_read_or_refused(given_headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_event(given_headers, body, secret=SECRET)


def outcome(event: str, body: bytes) -> int | type[Payload]:
    """Return the status of a refusal, or what the payload was read as."""
    try:
        return type(parse_event(headers(body, event), body, secret=SECRET).payload)
    except BadRequest as error:
        return error.status


@given(event=events, body=st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
def test_any_signed_body_is_read_or_refused(event: str, body: bytes) -> None:
    assert outcome(event, body) in {400, PAYLOADS.get(event, Payload)}


@settings(max_examples=300)
@given(path=st.integers(min_value=0), value=values, remove=st.booleans())
def test_payload_with_any_one_part_replaced_is_read_or_refused(
    path: int, value: Any, *, remove: bool
) -> None:
    payload = json.loads(json.dumps(on_pull()))
    places = sorted(_places(payload), key=repr)
    *parents, last = places[path % len(places)]
    target = payload
    for key in parents:
        target = target[key]
    target[last] = value
    if remove:
        del target[last]
    body = json.dumps(payload).encode()

    assert outcome("issue_comment", body) in {400, IssueCommentPayload}


def _places(payload: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, value in payload.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += _places(value, (*above, key))
    return found
