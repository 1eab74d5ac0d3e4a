from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.core.errors import PolicyError
from bot.policy import RepoPolicy, load_policy

HEAD = 'version: 1\nterraform: {version: "1.11.4"}\n'


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("version: 1\n\tx: 2", "2: is not valid YAML: a tab where YAML wants spaces", id="tab"),
        pytest.param("a: [1\nb: 2", "2: is not valid YAML: ", id="unclosed list"),
        pytest.param("a: 'x", "1: is not valid YAML: found unexpected end of stream", id="unclosed quote"),
        pytest.param("a: *x", "1: is not valid YAML: found undefined alias 'x'", id="unknown alias"),
        pytest.param(
            "a: 1\n---\nb: 2", "2: is not valid YAML: expected a single document", id="two documents"
        ),
        pytest.param("", "1: must be a mapping that begins with `version: 1`", id="empty"),
        pytest.param("# nothing", "1: must be a mapping that begins with `version: 1`", id="comment only"),
        pytest.param("- version: 1", "1: must be a mapping", id="list"),
        pytest.param("a: 1\nb: 2\na: 3", "3: a: is given twice (first on line 1)", id="key twice"),
        pytest.param("a:\n  b: 1\n  b: 2", "3: a.b: is given twice (first on line 2)", id="inner key twice"),
        pytest.param("a: !!python/name:os.system x", "1: a: has the tag", id="object"),
        pytest.param("a: !!python/object:x {}", "1: a: has the tag", id="object with fields"),
        pytest.param("a: !!set {x}", "1: a: has the tag", id="set"),
        pytest.param("? [a]\n: 1", "1: file: has a key that is not plain text", id="list as a key"),
        pytest.param("a: 0x" + "f" * 5000, "1: a: is not a number", id="endless number"),
        pytest.param("a: 012", "1: a: is not a number; put it in quotes", id="leading zero"),
        pytest.param('a: "\\ud800"', "1: a: holds a character that is not text", id="surrogate, escaped"),
        pytest.param("x: 1\na: \ufffd", "2: holds bytes that are not UTF-8", id="replacement character"),
        pytest.param("x: 1\na: \udcff", "2: holds bytes that are not UTF-8", id="surrogate"),
        pytest.param("x: 1\na: \x00", "2: holds the character U+0000, which YAML forbids", id="zero byte"),
        pytest.param("a: &a [*a]", "1: a.0: contains itself", id="alias inside itself"),
        pytest.param("a: &a {<<: *a}", "1: a.<<: contains itself", id="merge of itself"),
        pytest.param("<<: 3", "1: <<: must be a mapping or a list of mappings", id="merge of a number"),
        pytest.param("a: " + "[" * 500, "1: is nested deeper than 20 levels", id="deep lists"),
        pytest.param("a: 1\n#" + "x" * 262_144, "1: is larger than 256 KB", id="too large"),
        pytest.param("é" * 140_000, "1: is larger than 256 KB", id="too large in bytes"),
    ],
)
def test_broken_yaml_is_told_with_its_line(text: str, expected: str) -> None:
    assert problems(text)[0].startswith(f"gatewright.yaml:{expected}")


def test_aliases_are_not_followed_without_end() -> None:
    levels = [
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    ]
    bomb = "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *levels])

    assert problems(bomb) == ("gatewright.yaml:1: has more than 20000 values",)


def test_a_long_chain_of_aliases_is_too_deep() -> None:
    chain = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))])

    assert "is nested deeper than 20 levels" in problems(chain)[0]


def test_anchors_and_merges_save_repetition() -> None:
    text = HEAD + (
        "environments:\n"
        "  staging: &base {autoplan: false, idle_after: 3d}\n"
        "  prod: {<<: *base, autoplan: true}\n"
        "  qa: {<<: [{idle_after: 1d}, *base]}\n"
    )

    policy = load_policy(text)

    assert [policy.environment(name).autoplan for name in policy.environments] == [False, True, False]
    assert [policy.environment(name).idle_after.days for name in policy.environments] == [3, 3, 1]


def test_problem_in_merged_mapping_is_told_where_it_was_written() -> None:
    text = HEAD + "environments:\n  staging: &base {autoplan: perhaps}\n\n  prod: {<<: *base}\n"

    assert [problem.split(": ")[0] for problem in problems(text)] == ["gatewright.yaml:4"] * 2


@pytest.mark.parametrize("word", ["yes", "on", '"true"', "1", "True "])
def test_true_is_written_true(word: str) -> None:
    text = HEAD + f"environments: {{staging: {{autoplan: {word}}}}}"

    if word == "True ":
        assert load_policy(text).environment("staging").autoplan
    else:
        assert "must be true or false" in problems(text)[0]


def test_a_file_that_asks_for_old_yaml_has_its_words() -> None:
    text = "%YAML 1.1\n---\n" + HEAD + "environments: {staging: {autoplan: no}, prod: {autoplan: yes}}"

    policy = load_policy(text)

    assert [policy.environment(name).autoplan for name in policy.environments] == [False, True]


def test_line_ends_of_windows_and_byte_order_mark_are_read() -> None:
    text = "\ufeff" + (HEAD + "environments: {staging: }\n").replace("\n", "\r\n")

    assert load_policy(text).environments == ("staging",)


PIECES = [
    "version: 1\n",
    "terraform: ",
    "environments:\n",
    "  staging: ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "\n",
    "  ",
    "- ",
    "apply",
    ": ",
    "'",
    '"',
    "!!int ",
    "? ",
    "|\n",
    ">",
    "%YAML 1.1\n",
    "---\n",
    "#",
    ".nan",
    "~",
    "1e9",
    "2026-01-01",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
@example(HEAD + "environments: 3\nprojects: 3")
@example(HEAD + "environments: {a: {verify: {x: 1}}}\nprojects: [3, {name: [1]}]")
@example(HEAD + "environments: {a: {apply: {allow: {b: 1}}, twin: [a], hold_windows: [{start: 16:00}]}}")
@example(HEAD + "environments: {a: {verify: [{type: outputs, expect: {x: .inf, y: [1]}}]}}")
def test_any_text_is_a_policy_or_a_list_of_problems(text: str) -> None:
    answer: RepoPolicy | tuple[str, ...]
    try:
        answer = load_policy(text)
    except PolicyError as error:
        answer = error.problems

    if not isinstance(answer, RepoPolicy):
        assert answer
        assert all(problem.startswith("gatewright.yaml:") and "\n" not in problem for problem in answer)
