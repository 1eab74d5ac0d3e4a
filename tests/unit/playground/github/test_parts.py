"""The pure parts of the stand-in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.github.errors import ApiError
from bot.playground.github.faults.orders import Faults
from bot.playground.github.git.diff import ZERO, parse_diff
from bot.playground.github.hub import node_id, number_of_node
from bot.playground.github.limits import Limits, SecondaryLimits, Size
from bot.playground.github.pages.markdown import render
from bot.playground.github.records.model import Role
from bot.playground.github.records.times import parse_stamp, stamp
from bot.playground.github.rest.openapi import Spec

SPEC = Path(__file__).parents[3] / "data" / "github" / "openapi-subset.json"
A, B = "a" * 40, "b" * 40


def test_a_diff_is_joined_from_its_three_parts() -> None:
    raw = (
        f":100644 100644 {A} {B} M\0one\0"
        f":100644 100644 {A} {B} R090\0old\0new\0"
        f":000000 100644 {ZERO} {B} A\0bin\0"
        "1\t2\tone\0"
        "3\t0\t\0old\0new\0"
        "-\t-\tbin\0"
    )
    patch = (
        "diff --git a/one b/one\nindex 1..2\n--- a/one\n+++ b/one\n@@ -1,2 +1 @@\n-x\n-y\n+diff --git no\n"
        "diff --git a/old b/new\nsimilarity index 90%\n@@ -1 +1,4 @@\n+z\n"
        "diff --git a/bin b/bin\nBinary files differ\n"
    )

    one, new, binary = parse_diff(raw.encode(), patch.encode())

    assert (one.path, one.status, one.additions, one.deletions) == ("one", "modified", 1, 2)
    assert one.patch == "@@ -1,2 +1 @@\n-x\n-y\n+diff --git no"
    assert (new.path, new.previous, new.status, new.additions) == ("new", "old", "renamed", 3)
    assert (binary.status, binary.additions, binary.patch) == ("added", 0, None)


def test_roles_are_ordered_and_have_an_older_name() -> None:
    assert Role.MAINTAIN.at_least(Role.WRITE)
    assert not Role.TRIAGE.at_least(Role.WRITE)
    assert [role.legacy for role in Role] == ["none", "read", "read", "write", "write", "admin"]


@given(st.integers(min_value=0, max_value=2**63))
def test_a_global_id_gives_its_number_back(number: int) -> None:
    assert number_of_node(node_id("IssueComment", number)) == number


@pytest.mark.parametrize("text", ["", "IC_", "IC_%%%", "nonsense", "IC_w4k"])
def test_a_foreign_global_id_is_none(text: str) -> None:
    assert number_of_node(text) is None


def test_times_survive_their_text() -> None:
    assert stamp(0) == "1970-01-01T00:00:00Z"
    assert parse_stamp(stamp(1_700_000_000.7)) == 1_700_000_000


def test_the_content_budget_frees_itself_after_its_window() -> None:
    now = [1000.0]
    limits = Limits(lambda: now[0])
    limits.secondary = SecondaryLimits(content_per_minute=2, content_per_hour=3)

    limits.spend_content("bot")
    limits.spend_content("bot")
    with pytest.raises(ApiError) as minute:
        limits.spend_content("bot")
    now[0] += 60
    limits.spend_content("bot")
    now[0] += 60
    with pytest.raises(ApiError) as hour:
        limits.spend_content("bot")

    assert (minute.value.status, minute.value.headers["retry-after"]) == (403, "60")
    assert int(hour.value.headers["retry-after"]) > 3000


@pytest.mark.parametrize(
    ("size", "per_hour"),
    [
        (Size(repositories=20, users=20), 5000),
        (Size(repositories=40), 6000),
        (Size(repositories=21, users=50), 6550),
        (Size(repositories=1000, users=1000), 12_500),
        (Size(enterprise=True), 15_000),
    ],
)
def test_a_large_installation_has_more_requests_an_hour(size: Size, per_hour: int) -> None:
    limits = Limits(lambda: 0.0, lambda _: size)

    assert limits.numbers("installation 1")["limit"] == per_hour


def test_fault_is_spent_after_its_times_for_its_method_only() -> None:
    faults = Faults()
    faults.add(method="POST", path="/comments$", status=502, times=1)

    assert faults.take("GET", "/x/comments") is None
    assert faults.take("POST", "/x/comments/1") is None
    assert faults.take("POST", "/x/comments") is not None
    assert faults.take("POST", "/x/comments") is None


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec(SPEC)


def test_the_description_finds_missing_wrong_and_unknown_fields(spec: Spec) -> None:
    operation = spec.operations["POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments"]

    assert spec.check_body(operation, {"body": "x"}) == []
    assert spec.check_body(operation, None) != []
    assert spec.check_body(operation, {"body": 1}) != []
    assert spec.check_body(operation, {"body": "x", "more": 1}) != []
    assert spec.check_answer(operation, 201, {"id": 1}) != []
    assert spec.check_answer(operation, 299, {}) != []
    assert spec.check_query(operation, {"per_page": "1"}) != []


def test_unknown_fields_are_found_inside_objects_and_alternatives(spec: Spec) -> None:
    create = spec.operations["POST", "/repos/{owner}/{repo}/check-runs"]
    update = spec.operations["PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}"]
    base = {"name": "plan", "head_sha": A}

    assert spec.check_body(create, {**base, "output": {"title": "t", "summary": "s"}}) == []
    assert spec.check_body(create, {**base, "output": {"title": "t", "summary": "s", "x": 1}}) != []
    assert spec.check_body(update, {"conclusion": "success"}) == []
    assert spec.check_body(update, {"conclusion": "success", "x": 1}) != []
    assert spec.check_body(update, {"status": "completed"}) != []


def test_markdown_shows_what_github_shows() -> None:
    shown = render("a ~~b~~ `c`\n\n> [!NOTE]\n> look\n\n```hcl\nx = <1>\n```\n\n| h |\n|---|\n| `x` |")

    assert "<del>b</del>" in shown or "<s>b</s>" in shown
    assert '<blockquote class="alert alert-note">' in shown
    assert "x = &lt;1&gt;" in shown
    assert "<th>h</th>" in shown


@given(st.text(alphabet='<>"=/ abcdimgonerrsvx()[]!`\n&;:#-', max_size=80))
def test_no_text_becomes_active_code(text: str) -> None:
    shown = render(text).lower()

    assert "<script" not in shown
    assert "<svg" not in shown
    assert "<iframe" not in shown
