from __future__ import annotations

from typing import Any

import pytest

from bot.domain.commands.parser import Command, Problem, parse
from bot.domain.core.refusals import Reason
from tests.unit.domain.commands.specs import SPECS

ENVIRONMENTS = ("staging", "prod")
SHA = "0123456789abcdef0123456789abcdef01234567"
RUN = "rabcdefgh2345678"


def read(body: str) -> Command | Problem | None:
    return parse(body, SPECS, environments=ENVIRONMENTS)


def command(body: str) -> Command:
    result = read(body)
    assert isinstance(result, Command), result
    return result


def problem(body: str) -> Problem:
    result = read(body)
    assert isinstance(result, Problem), result
    return result


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("/plan", {"name": "plan"}, id="no parameter"),
        pytest.param("/plan staging prod", {"envs": ("staging", "prod")}, id="several environments"),
        pytest.param("/plan prod prod", {"envs": ("prod",)}, id="the same environment twice"),
        pytest.param("/PLAN Staging", {"name": "plan", "envs": ("staging",)}, id="capital letters"),
        pytest.param("/apply prod P1234567", {"envs": ("prod",), "plan": "p1234567"}, id="named plan"),
        pytest.param("/apply prod -p api", {"project": "api"}, id="short project option"),
        pytest.param("/apply --project api prod", {"project": "api", "envs": ("prod",)}, id="option first"),
        pytest.param("/apply prod --project=api", {"project": "api"}, id="joined option"),
        pytest.param("/apply prod —project api", {"project": "api"}, id="em dash of a phone"),
        pytest.param("/revert", {"envs": (), "release": None}, id="revert of nothing in particular"),
        pytest.param(
            "/revert to p1234567", {"envs": (), "release": "p1234567"}, id="release, no environment"
        ),
        pytest.param("/revert prod to ABCDEF1", {"envs": ("prod",), "release": "abcdef1"}, id="short commit"),
        pytest.param("/cancel", {"run": None, "plan": None}, id="cancel whatever runs"),
        pytest.param(f"/cancel {RUN}", {"run": RUN, "plan": None}, id="cancel a run"),
        pytest.param("/cancel p1234567", {"run": None, "plan": "p1234567"}, id="cancel a plan"),
        pytest.param(f"/allow {SHA.upper()}", {"sha": SHA}, id="commit"),
        pytest.param(
            '/override prod codeowners it\'s  3 a.m. -- "really"',
            {"gate": "codeowners", "text": 'it\'s  3 a.m. -- "really"'},
            id="text is the rest of the line as it stands",
        ),
        pytest.param("/hold prod -p api why", {"project": "api", "text": "why"}, id="option before text"),
        pytest.param("/hold prod -no reason", {"text": "-no reason"}, id="text that looks like an option"),
        pytest.param("/hold 'prod' it's", {"envs": ("prod",), "text": "it's"}, id="quoted word before text"),
        pytest.param("/help", {"text": ""}, id="optional text left out"),
        pytest.param("/help state rm", {"name": "help", "text": "state rm"}, id="optional text"),
        pytest.param(
            '/import prod module.a["x y"].aws_vpc.main vpc-1',
            {"address": 'module.a["x y"].aws_vpc.main', "object_id": "vpc-1"},
            id="address with a key, as nobody quotes it in a comment box",
        ),
        pytest.param(
            '/import prod \'aws_vpc.main["x"]\' "a b"',
            {"address": 'aws_vpc.main["x"]', "object_id": "a b"},
            id="address and id, quoted as in a shell",
        ),
        pytest.param(
            "/state rm prod aws_vpc.a", {"name": "state rm", "address": "aws_vpc.a"}, id="two words"
        ),
        pytest.param("/State  RM prod aws_vpc.a", {"name": "state rm"}, id="two words, loosely typed"),
        pytest.param(
            "/state restore prod 41 --confirm 3",
            {"name": "state restore", "serial": 41, "count": 3},
            id="numbers",
        ),
        pytest.param("/state restore prod 41 --confirm=0", {"count": 0}, id="zero is a number"),
        pytest.param(
            "/incident prod p1 db is slow",
            {"name": "incident", "choice": "P1", "text": "db is slow"},
            id="choice in its own spelling",
        ),
        pytest.param("/incident close", {"name": "incident close"}, id="longest name wins"),
    ],
)
def test_a_command_is_read(body: str, expected: dict[str, Any]) -> None:
    result = command(body)

    assert {name: getattr(result, name) for name in expected} == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("/apply staging\nlooks fine to me", id="note below"),
        pytest.param("/apply staging\r\nlooks fine\r\n", id="line ends of Windows"),
        pytest.param("\n \r\n\u200b\n/apply staging", id="blank lines above"),
        pytest.param("   /apply staging", id="three blanks before"),
        pytest.param("/apply\tstaging  ", id="tab and trailing blanks"),
        pytest.param("/apply\u00a0staging", id="no-break space"),
        pytest.param("\ufeff/apply staging", id="byte order mark"),
        pytest.param("/ap\u200bply stag\u2060ing\u200d", id="zero-width characters"),
        pytest.param("/apply \u202estaging\u202c", id="direction marks"),
        pytest.param("/apply staging\x00\x1b", id="control characters"),
        pytest.param("/apply staging\ud800", id="lone surrogate"),
    ],
)
def test_blanks_and_what_nobody_sees_change_nothing(body: str) -> None:
    result = command(body)

    assert (result.name, result.envs) == ("apply", ("staging",))
    assert result.line in {"/apply staging", "/apply    staging"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param(" \n\t\n", id="blanks only"),
        pytest.param("Please /plan", id="prose"),
        pytest.param("Looks good\n/apply prod", id="second line"),
        pytest.param("> /apply prod", id="quote"),
        pytest.param("    /apply prod", id="indented code"),
        pytest.param("\t/apply prod", id="code indented by a tab"),
        pytest.param("`/apply prod`", id="code span"),
        pytest.param("```\n/apply prod\n```", id="fenced code"),
        pytest.param("<!-- gatewright -->\n/apply prod", id="comment of HTML"),
        pytest.param("/", id="slash alone"),
        pytest.param("/ apply prod", id="slash apart"),
        pytest.param("//apply prod", id="two slashes"),
        pytest.param("/plan/apply", id="path"),
        pytest.param("/etc/passwd is world-readable", id="path of a file"),
        pytest.param("/var is full", id="directory"),
        pytest.param("/home is full", id="directory two letters away from a command"),
        pytest.param("/frobnicate", id="another bot's command"),
        pytest.param("/\u0430pply prod", id="a letter of another alphabet"),
        pytest.param("/\u212aind bug", id="a sign that folds to a letter"),
        pytest.param(f"/{'apply' * 5000}", id="endless word"),
    ],
)
def test_what_is_not_for_us_is_ignored(body: str) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "word",
    [
        "lgtm",
        "approve",
        "retest",
        "test",
        "test-all",
        "assign",
        "unassign",
        "cc",
        "uncc",
        "label",
        "close",
        "reopen",
        "merge",
        "rebase",
        "ok-to-test",
        "kind",
        "stage",
        "draft",
        "run",
        "report",
        "reset",
        "start",
        "check",
        "review",
        "lock",
        "help-wanted",
        "sync",
    ],
)
def test_other_bots_commands_are_never_suspected(word: str) -> None:
    assert read(f"/{word} staging") is None


@pytest.mark.parametrize(
    ("body", "suggestion", "next_command"),
    [
        pytest.param("/aply staging", "/apply", "/apply staging", id="letter left out"),
        pytest.param("/appply staging", "/apply", "/apply staging", id="letter too many"),
        pytest.param("/aplpy staging", "/apply", "/apply staging", id="letters swapped"),
        pytest.param("/plan-", "/plan", "/plan", id="hyphen behind"),
        pytest.param("/Plann staging", "/plan", "/plan staging", id="capital and slip"),
        pytest.param("/plan, please", "/plan", "/plan please", id="comma behind"),
        pytest.param("/destory test", "/destroy", "/destroy test", id="two letters of a long word"),
        pytest.param("/aply", "/apply", "/apply staging", id="slip and missing environment"),
        pytest.param("/stat rm prod aws_vpc.a", "/state", "/state rm prod aws_vpc.a", id="two words"),
    ],
)
def test_a_near_miss_is_asked_about_once(body: str, suggestion: str, next_command: str) -> None:
    result = problem(body)

    assert (result.reason, result.suggestion) == (Reason.USAGE, suggestion)
    assert f"Did you mean `{suggestion}`?" in result.sentence
    assert result.next_command == next_command


def test_apply_without_environment_never_means_prod() -> None:
    result = problem("/apply")

    assert result.reason is Reason.ENVIRONMENT
    assert "never means prod" in result.sentence
    assert "`staging`, `prod`" in result.sentence
    assert result.next_command == "/apply staging"
    assert result.detail == ("`/apply staging`", "`/apply prod`")
    assert result.as_refusal().reason is Reason.ENVIRONMENT


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        pytest.param("/apply pr!od", Reason.ENVIRONMENT, "`pr!od` cannot be ENV", id="bad environment"),
        pytest.param(f"/apply {'e' * 41}", Reason.ENVIRONMENT, "at most 40", id="long environment"),
        pytest.param("/apply prod now", Reason.USAGE, "`now` is not the id of a plan", id="bad plan"),
        pytest.param("/apply prod p1234567 x", Reason.USAGE, "`x` is one word too many", id="extra word"),
        pytest.param("/status please", Reason.USAGE, "one word too many", id="word where none is taken"),
        pytest.param("/apply prod -p", Reason.USAGE, "`-p` needs a value", id="option without value"),
        pytest.param("/apply prod -p -p", Reason.USAGE, "`-p` needs a value", id="option as value"),
        pytest.param("/apply prod --project=", Reason.USAGE, "needs a value", id="empty value"),
        pytest.param("/apply prod -p a -p b", Reason.USAGE, "given twice", id="option twice"),
        pytest.param("/apply prod -p ../x", Reason.PROJECT, "not a project's name", id="bad project"),
        pytest.param(
            "/status -p api", Reason.USAGE, "`-p` is not an option", id="option where none is taken"
        ),
        pytest.param("/apply prod --force", Reason.USAGE, "`--force` is not an option", id="unknown option"),
        pytest.param("/apply 'prod", Reason.USAGE, "quote", id="unbalanced quote"),
        pytest.param('/apply "prod', Reason.USAGE, "quote", id="unbalanced double quote"),
        pytest.param("/apply prod\\", Reason.USAGE, "quote", id="backslash at the end"),
        pytest.param("/allow abc1234", Reason.USAGE, "all 40 characters", id="short commit"),
        pytest.param("/rerun p1234567", Reason.USAGE, "sixteen", id="plan instead of a run"),
        pytest.param("/rerun", Reason.USAGE, "needs RUN", id="missing run"),
        pytest.param("/hold prod", Reason.USAGE, "needs REASON", id="missing reason"),
        pytest.param(
            "/hold", Reason.ENVIRONMENT, "needs the name of an environment", id="another bot's hold"
        ),
        pytest.param("/override prod", Reason.USAGE, "needs GATE", id="missing gate"),
        pytest.param("/import prod x vpc-1", Reason.USAGE, "`x` cannot be ADDRESS", id="bad address"),
        pytest.param("/import prod a.b '-x'", Reason.USAGE, "`-x` cannot be ID", id="id like an option"),
        pytest.param("/state restore prod 4", Reason.USAGE, "needs `--confirm N`", id="missing confirmation"),
        pytest.param("/state restore prod -4 --confirm 1", Reason.USAGE, "`-4`", id="negative number"),
        pytest.param(
            "/state restore prod \uff14 --confirm 1", Reason.USAGE, "whole number", id="other digits"
        ),
        pytest.param("/incident prod P9 x", Reason.USAGE, "`P0` or `P1` or `P2`", id="bad choice"),
        pytest.param("/state", Reason.USAGE, "needs a second word", id="half a command"),
        pytest.param("/state list", Reason.USAGE, "needs a second word", id="unknown second word"),
    ],
)
def test_a_line_that_cannot_be_is_explained(body: str, reason: Reason, words: str) -> None:
    result = problem(body)

    assert result.reason is reason
    assert words in result.sentence
    assert result.next_command
    assert result.line == body


@pytest.mark.parametrize(
    ("body", "choices", "next_command"),
    [
        pytest.param(
            "/apply", ("`/apply staging`", "`/apply prod`"), "/apply staging", id="nothing else is missing"
        ),
        pytest.param("/destroy", ("`/destroy test`",), "/destroy test", id="for environments of its own"),
        pytest.param(
            "/hold", ("`/hold staging REASON`", "`/hold prod REASON`"), "/help hold", id="a reason as well"
        ),
        pytest.param(
            "/state rm",
            ("`/state rm staging ADDRESS`", "`/state rm prod ADDRESS`"),
            "/help state rm",
            id="an address as well",
        ),
    ],
)
def test_offer_without_an_environment_is_never_refused_for_its_form(
    body: str, choices: tuple[str, ...], next_command: str
) -> None:
    result = parse(body, SPECS, environments=("staging", "prod"), own={"destroy": ("test",)})

    assert isinstance(result, Problem)
    assert (result.detail, result.next_command) == (choices, next_command)


def test_what_somebody_typed_cannot_break_out_of_our_quotes() -> None:
    result = problem(f"/status `x`{'y' * 500}")

    assert "`'x'yyy" in result.sentence
    assert len(result.sentence) < 200


def test_half_a_command_lists_its_other_halves() -> None:
    result = problem("/state")

    assert [line.split("`")[1] for line in result.detail] == [
        "/state rm ENV ADDRESS",
        "/state restore ENV SERIAL --confirm N",
    ]


def test_word_that_is_no_plan_id_gets_both_forms() -> None:
    result = problem("/apply staging please -p api")

    assert "`please` is not the id of a plan" in result.sentence
    assert "`p` and seven letters or digits" in result.sentence
    assert result.next_command == "/apply -p api staging"


@pytest.mark.parametrize("line", ["/closeout", "/handover", "/drill prod", "/Drill prod"])
def test_a_documented_command_that_this_version_lacks_is_answered(line: str) -> None:
    result = parse(line, SPECS)

    assert isinstance(result, Problem)
    assert (result.reason, result.next_command) == (Reason.NOT_AVAILABLE, "/help")


@pytest.mark.parametrize(
    "line", ["/lgtm", "/approve", "/deploy prod", "/holding on", "/plan-b", "/apply2 prod"]
)
def test_a_command_of_another_bot_is_left_to_it(line: str) -> None:
    few = tuple(spec for spec in SPECS if spec.name in {"plan", "apply", "help"})

    assert parse(line, few) is None
