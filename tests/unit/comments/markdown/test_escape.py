from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comments.markdown.escape import address, clean, code, fence, link, prose, summary, text
from tests.unit.comments.rendered import MENTION, REFERENCE, outside_code, rendered

_NASTY = st.text(alphabet="`|\\@#1a_*[]()<>!&~$:/-=+.\n\r\t \u202e\x1b" + "é漢😀", max_size=60)
_ANY = st.text(max_size=80) | _NASTY
ATTACKS = [
    "@acme/owners please merge",
    "see #12, GH-12 and acme/infra#3",
    "https://evil.example and www.evil.example",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "</details></td></table><h1>APPROVED</h1>",
    "<!-- gatewright {} -->",
    "a | b | c",
    "```\n# heading\n```",
    "`@acme/owners`",
    "``` ```` `@bob",
    "\\| \\` \\@bob",
    "# heading",
    "- list",
    "1. list",
    "> quote",
    "$\\color{red}{x}$",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "\u202egnp.exe",
    "a\r```\rb",
]


@given(_ANY)
def test_nothing_inside_ends_a_fence(value: str) -> None:
    html_text = rendered(f"before\n\n{fence(value, 'diff')}\nafter\n")

    assert html_text.startswith("<p>before</p>\n<pre><code")
    assert html_text.endswith("</code></pre>\n<p>after</p>\n")
    assert html_text.count("<pre>") == 1


@given(_ANY)
def test_nothing_inside_a_fence_ends_a_details_element(value: str) -> None:
    html_text = rendered(f"<details><summary>x</summary>\n\n{fence(value)}\n</details>\n")

    assert html_text.count("</details>") == 1
    assert html_text.rstrip().endswith("</details>")


@given(_ANY)
def test_prose_of_others_is_nothing_but_text(value: str) -> None:
    shown = rendered(f"It says: {text(value)}\n")

    tags = set(re.findall(r"<[^>]+>", shown))
    assert tags <= {"<p>", "</p>", "<span>", "</span>"}


@given(_ANY)
def test_prose_in_a_list_starts_no_block(value: str) -> None:
    shown = rendered(f"- {text(value)}\n- second\n")

    assert shown.count("<li>") == 2
    assert not re.search(r"<(h\d|blockquote|ol|pre|hr)", shown)


@given(_ANY)
def test_code_span_is_one_code_element_also_in_a_table(value: str) -> None:
    shown = rendered(f"| a | b |\n| --- | --- |\n| {code(value)} | end |\n")

    assert shown.count("<td>") == 2
    assert shown.count("<code>") == shown.count("</code>") == 1
    assert "<td>end</td>" in shown
    outer = shown.split("<tbody>")[1].split("<code>")[0]
    assert re.sub(r"\s", "", outer) == "<tr><td>"


@given(_ANY)
def test_a_sentence_stays_in_its_cell(value: str) -> None:
    shown = rendered(f"| a | b |\n| --- | --- |\n| {prose(value)} | {text(value)}. |\n")

    assert shown.count("<td>") == 2
    assert set(re.findall(r"</?(\w+)", shown)) <= {
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "span",
    }


@given(_ANY)
def test_the_text_itself_comes_back(value: str) -> None:
    shown = rendered(f"x {text(value)} x")

    plain = html.unescape(re.sub(r"<[^>]+>", "", shown)).replace("\u200b", "")
    assert plain == f"x {' '.join(clean(value).split())} x\n"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_mentions_links_or_marks_up(attack: str) -> None:
    shown = outside_code(
        f"It says: {text(attack)} and {prose(attack)} and {code(attack)}\n\n{fence(attack)}\n"
    )

    assert not MENTION.search(shown)
    assert not REFERENCE.search(shown)
    assert not re.search(r"<(?!/?(?:p|span)\b)", shown)


@given(_ANY)
def test_nobody_is_mentioned(value: str) -> None:
    shown = outside_code(f"a {text(value)} b {prose(value)} c {code(value)} d\n\n{fence(value)}\n")

    assert not MENTION.search(shown)
    assert not REFERENCE.search(shown)


@given(st.text(alphabet="`|@#$&漢😀_*", max_size=2000), st.integers(40, 500))
def test_escapes_cannot_make_text_more_than_three_times_as_long(value: str, limit: int) -> None:
    for escape in (text, prose, code):
        assert len(escape(value, limit=limit).encode()) <= 3 * limit


def test_code_spans_of_a_sentence_are_kept() -> None:
    assert (
        prose("`/apply staging` needs write_access, @bob.")
        == "`/apply staging` needs write_access, @&#8203;bob."
    )


def test_terminal_codes_go_and_invisible_characters_are_shown() -> None:
    assert clean("\x1b[31mred\x1b[0m\r\nb\u202ec\x00") == "red\nb<U+202E>c<U+0000>"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x y", "https://a>b", "ftp://a", "//a", "https://a)b(", ""]
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert link("run", url) == "run"
    assert "href" not in rendered(address(url))


def test_web_addresses_become_links() -> None:
    assert link("run", "https://gw.example/runs/r1") == "[run](<https://gw.example/runs/r1>)"
    assert address("https://app.example/?a=1&b=2") == "<https://app.example/?a=1&b=2>"


def test_a_summary_is_plain_html_text() -> None:
    assert summary("a <b> @bob\n#1") == "a &lt;b&gt; @&#8203;bob #&#8203;1"
