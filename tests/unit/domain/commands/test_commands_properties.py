from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands.line import Unbalanced, Word, first_line, next_word, quote
from bot.domain.commands.parser import Command, CommandSpec, ParameterKind, Problem, parse, render
from bot.domain.commands.terraform_arguments import is_address
from bot.domain.core.model import EnvName, PlanId, ProjectName, RunId, Sha
from tests.unit.domain.commands.specs import SPECS

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,39}", fullmatch=True).filter(lambda name: name != "to")
PLANS = st.from_regex(r"p[a-z0-9]{7}", fullmatch=True)
RUNS = st.from_regex(r"[a-z0-9]{16}", fullmatch=True)
IDENTIFIERS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda name: name not in {"module", "data"}
)
VISIBLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("C", "Z")), min_size=1
)
KEYS = VISIBLE.filter(lambda key: not set(key) & set('"\\$%'))
INDEXES = st.one_of(st.just(""), st.integers(0, 999).map(lambda i: f"[{i}]"), KEYS.map(lambda k: f'["{k}"]'))
ADDRESSES = st.builds(lambda a, b, i: f"{a}.{b}{i}", IDENTIFIERS, IDENTIFIERS, INDEXES).filter(is_address)
ARGUMENTS = st.lists(
    st.one_of(ADDRESSES.map("-target={}".format), st.just("-refresh=false")), max_size=3, unique=True
)
WORDS = st.sampled_from(
    [
        "/plan",
        "/apply",
        "/state",
        "rm",
        "restore",
        "prod",
        "-p",
        "--project=",
        "--",
        "-target=a.b",
        "to",
        "'",
        '"',
        "\\",
        "[",
        " ",
        "\t",
        "\n",
        "\xa0",
        "\u200b",
        "—",
        "`",
        'a.b["',
        "P0",
        "/hold",
        "/revert",
        "�",
    ]
)


@given(st.one_of(st.text(), st.text().map("/".__add__), st.lists(WORDS, max_size=12).map(" ".join)))
def test_any_comment_has_an_answer(body: str) -> None:
    result = parse(body, SPECS, environments=["staging"])

    assert result is None or isinstance(result, Command | Problem)
    if isinstance(result, Problem):
        assert result.sentence.endswith((".", "?", "`."))
        assert "\n" not in result.sentence


@st.composite
def commands(draw: st.DrawFn) -> tuple[Command, CommandSpec]:
    spec = draw(st.sampled_from(SPECS))
    command = Command(name=spec.name, line="")
    for parameter in spec.parameters:
        if parameter.required or draw(st.booleans()):
            command = draw(_given(command, parameter.kind, repeated=parameter.repeated))
    if spec.takes_project and draw(st.booleans()):
        command = replace(command, project=ProjectName(draw(NAMES)))
    if spec.accepts_terraform_arguments:
        command = replace(command, arguments=tuple(draw(ARGUMENTS)))
    return command, spec


def _given(command: Command, kind: ParameterKind, *, repeated: bool) -> st.SearchStrategy[Command]:
    envs = st.lists(NAMES.map(EnvName), min_size=1, max_size=3 if repeated else 1, unique=True)
    values: dict[ParameterKind, st.SearchStrategy[Command]] = {
        ParameterKind.ENV: envs.map(lambda value: replace(command, envs=tuple(value))),
        ParameterKind.PLAN: PLANS.map(lambda value: replace(command, plan=PlanId(value))),
        ParameterKind.RUN: RUNS.map(lambda value: replace(command, run=RunId(value))),
        ParameterKind.RUN_OR_PLAN: RUNS.map(lambda value: replace(command, run=RunId(value))),
        ParameterKind.RELEASE: PLANS.map(lambda value: replace(command, release=value)),
        ParameterKind.SHA: st.just(replace(command, sha=Sha("a1" * 20))),
        ParameterKind.GATE: st.just(replace(command, gate="codeowners")),
        ParameterKind.ADDRESS: ADDRESSES.map(lambda value: replace(command, address=value)),
        ParameterKind.ID: VISIBLE.filter(lambda value: value[0] != "-").map(
            lambda value: replace(command, object_id=value[:400])
        ),
        ParameterKind.SERIAL: st.integers(0, 10**9).map(lambda value: replace(command, serial=value)),
        ParameterKind.COUNT: st.integers(0, 99).map(lambda value: replace(command, count=value)),
        ParameterKind.CHOICE: st.sampled_from(["P0", "P1"]).map(lambda value: replace(command, choice=value)),
        ParameterKind.TEXT: VISIBLE.filter(lambda value: value[0] != "-").map(
            lambda value: replace(command, text=value)
        ),
    }
    return values[kind]


@given(commands())
def test_a_rendered_command_is_read_back(given_: tuple[Command, CommandSpec]) -> None:
    command, spec = given_

    line = render(command, spec)

    result = parse(line, SPECS)
    assert isinstance(result, Command), (line, result)
    assert replace(result, line="") == command


@given(st.lists(VISIBLE, min_size=1, max_size=5))
def test_quoted_words_are_read_back(words: list[str]) -> None:
    line = " ".join(map(quote, words))

    found, at = [], 0
    while (word := next_word(line, at)) is not None:
        assert isinstance(word, Word)
        found.append(word.text)
        at = word.end

    assert found == words


@given(st.text())
def test_reading_words_always_goes_forward(line: str) -> None:
    at = 0
    while isinstance(word := next_word(line, at), Word):
        assert word.end > at
        at = word.end

    assert word is None or isinstance(word, Unbalanced)


@given(st.text())
def test_a_cleaned_line_is_clean(body: str) -> None:
    line = first_line(body)

    assert line is None or (line and line.isprintable() and first_line(line) == line)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    [
        "'",
        '"',
        "\\",
        "[",
        '["',
        '["\\',
        "''",
        '"\\"',
        " ",
        "- ",
        "-- ",
        "a ",
        "/",
        "\u200b",
        "\n",
        "\r\n",
        "\t",
        "-target=a.b ",
        "module.a.",
        "-p x ",
        "—",
        "`",
        "`x` ",
        "é",
        "\xa0",
        "x='",
        "a.b[0]",
        "�",
    ],
)
@pytest.mark.parametrize("start", ["", "/plan ", "/plan -- -target=", "/hold prod ", "/pla", "/import prod "])
def test_the_longest_comments_are_read(start: str, unit: str) -> None:
    body = (start + unit * 65_536)[:65_536]

    result = parse(body, SPECS)

    assert result is None or isinstance(result, Command | Problem)
