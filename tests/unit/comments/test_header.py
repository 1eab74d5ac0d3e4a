from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.comments.header import header, parse_header


def test_a_header_is_one_html_comment_with_the_known_fields_in_order() -> None:
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


@given(env=st.text(min_size=1), reasons=st.lists(st.text(min_size=1), max_size=3))
def test_no_value_can_end_the_comment_and_every_value_comes_back(env: str, reasons: list[str]) -> None:
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
