from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.comments.markdown.header import StackStatus, header, parse_header, stack_headers


def test_header_is_one_html_comment_with_known_fields_in_order() -> None:
    line = header(
        "plan",
        env="staging",
        project="default",
        run="r1",
        plan="p1",
        head="abc",
        status="planned",
        reason=None,
    )

    assert line == (
        '<!-- gatewright {"kind": "plan", "env": "staging", "project": "default", "run": "r1", "plan": "p1",'
        ' "head": "abc", "status": "planned"} -->'
    )


def test_several_reasons_are_a_list() -> None:
    line = header("refusal", status="refused", reason="locked", reasons=("locked", "head_moved"))

    assert parse_header(line) == {
        "kind": "refusal",
        "status": "refused",
        "reason": "locked",
        "reasons": ["locked", "head_moved"],
    }


def test_one_stack_also_stands_at_the_top_level() -> None:
    line = header(
        "plan",
        head="abc",
        stacks=[StackStatus(env="prod", project="default", run="r1", plan="p1", status="planned")],
    )

    of_prod = {"env": "prod", "project": "default", "run": "r1", "plan": "p1", "status": "planned"}
    fields = parse_header(line)
    assert fields == {"kind": "plan", "head": "abc", **of_prod, "stacks": [of_prod]}
    assert [*stack_headers(fields)] == [{"kind": "plan", "head": "abc", **of_prod}]


def test_stacks_of_a_comment_are_read_one_by_one() -> None:
    line = header(
        "plan",
        head="abc",
        status="failed",
        stacks=[
            StackStatus(env="prod", project="web", plan="p1", status="planned"),
            StackStatus(env="prod", project="dns", run="r2", status="failed"),
        ],
    )

    fields = parse_header(line)
    assert fields is not None
    assert fields["status"] == "failed"
    assert "env" not in fields
    assert [*stack_headers(fields)] == [
        {"kind": "plan", "head": "abc", "env": "prod", "project": "web", "plan": "p1", "status": "planned"},
        {"kind": "plan", "head": "abc", "env": "prod", "project": "dns", "run": "r2", "status": "failed"},
    ]


@given(env=st.text(min_size=1), reasons=st.lists(st.text(min_size=1), max_size=3))
def test_no_value_can_end_comment_and_every_value_comes_back(env: str, reasons: list[str]) -> None:
    line = header("plan", env=env, reasons=reasons)

    assert "\n" not in line
    assert line.index("-->") == len(line) - len("-->")
    assert line.count("--") == 2
    assert parse_header(f"{line}\nMore text") == {
        "kind": "plan",
        "env": env,
        **({"reasons": reasons} if reasons else {}),
    }


@given(
    st.text()
    | st.text().map("<!-- gatewright {} -->".format)
    | st.text().map("<!-- gatewright {{{}}} -->".format)
)
def test_any_body_is_read_without_an_error(body: str) -> None:
    assert parse_header(body) is None or isinstance(parse_header(body), dict)


def test_only_the_first_line_is_a_header() -> None:
    assert parse_header(f"Hello\n{header('plan')}") is None
    assert parse_header('<!-- gatewright ["plan"] -->') is None
    assert parse_header("<!-- gatewright " + "[" * 10_000 + " -->") is None
    assert parse_header('<!-- gatewright {"a":' + "[" * 9_000 + "} -->") is None
    assert parse_header(header("plan") + "\r\nText") == {"kind": "plan"}
