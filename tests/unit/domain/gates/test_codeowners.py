from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.gates.codeowners import TOO_LARGE, CodeOwners, OwnerKind, matches, parse

CASES = json.loads((Path(__file__).parents[3] / "data" / "codeowners" / "patterns.json").read_text())
NASTY = st.text(alphabet="*?/\\a b#!@[].\n\t\x00é", max_size=80)


def written(owners: CodeOwners, path: str) -> list[str]:
    return [owner.written for owner in owners.owners(path)]


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        pytest.param(case["pattern"], path, fits, id=f"{case['pattern']} {path}")
        for case in CASES
        for path, fits in case["paths"].items()
    ],
)
def test_patterns_fit_as_they_do_on_github(pattern: str, path: str, fits: bool) -> None:  # noqa: FBT001
    # The matcher itself, and a whole file with that one line, say the same.
    assert matches(pattern, path) is fits
    assert bool(parse(f"{pattern} @owner").owners(path)) is fits


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**", "a/b", True),
        ("/**", "a", True),
        ("**/", "a/b", True),
        ("**/logs", "deep/logs/x", True),
        ("*.js", "a/b.js", True),
        ("*.js", "a/b.js/c", True),
        ("docs/*", "docs/build/x.md", False),
        ("a\\ b/", "a b/c", True),
        ("a\\ b/", "a/c", False),
        ("a**b", "axxb", True),
        ("a**b", "ax/xb", False),
        ("A", "a", False),
        ("a?c", "a/c", False),
        ("\\!a", "!a", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns_beyond_the_shared_table(pattern: str, path: str, fits: bool) -> None:  # noqa: FBT001
    assert bool(parse(f"{pattern} @owner").owners(path)) is fits


def test_the_last_rule_that_fits_wins() -> None:
    owners = parse("* @all\n*.tf @infra\n/envs/ @ops\n/envs/prod* @ops @owner\n")

    assert written(owners, "README.md") == ["@all"]
    assert written(owners, "terraform/main.tf") == ["@infra"]
    assert written(owners, "envs/x.tf") == ["@ops"]
    assert written(owners, "envs/prod.tfvars") == ["@ops", "@owner"]


def test_a_rule_without_owners_takes_its_paths_out() -> None:
    owners = parse("* @all\n/docs/\n/docs/law/ @law\n")

    assert written(owners, "docs/a.md") == []
    assert owners.rule("docs/a.md") is not None
    assert written(owners, "docs/law/a.md") == ["@law"]
    assert parse("").rule("a") is None


def test_users_teams_and_addresses_are_owners() -> None:
    [rule] = parse("* @Some-One @Acme/Platform.Team docs@example.com\r\n").rules

    assert [(owner.kind, owner.written, owner.key) for owner in rule.owners] == [
        (OwnerKind.USER, "@Some-One", "some-one"),
        (OwnerKind.TEAM, "@Acme/Platform.Team", "acme/platform.team"),
        (OwnerKind.EMAIL, "docs@example.com", "docs@example.com"),
    ]


def test_comments_and_blank_lines_are_nothing() -> None:
    owners = parse("\ufeff# first\n\n   \n\t# more\n*.tf @infra # @not-an-owner\n/a#b @hash\n")

    assert [(rule.line, rule.pattern) for rule in owners.rules] == [(5, "*.tf"), (6, "/a#b")]
    assert written(owners, "x.tf") == ["@infra"]
    assert owners.problems == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("!docs/ @owner", "`!`"),
        ("\\#docs @owner", "`\\#`"),
        ("docs owner", "`owner` is no user"),
        ("docs @", "`@` is no user"),
        ("docs @a/b/c", "no user"),
        ("docs @-a", "no user"),
        ("docs a@b", "no user"),
        ("docs a@b@c.d", "no user"),
        ("a//b @owner", "empty name"),
        ("/ @owner", "empty name"),
        ("a***b @owner", "no wildcard"),
        ("a\\", "backslash"),
    ],
)
def test_a_bad_line_is_skipped_and_reported_with_its_number(line: str, says: str) -> None:
    owners = parse(f"* @all\n\n{line}\n")

    # The line before it stays in force.
    assert [rule.line for rule in owners.rules] == [1]
    [problem] = owners.problems
    assert problem.line == 3
    assert problem.sentence.startswith("skipped: ")
    assert says in problem.sentence


def test_a_range_is_told_to_be_none() -> None:
    owners = parse("*.[ch] @owner\n")

    assert owners.owners("a.c") == ()
    assert written(owners, "a.[ch]") == ["@owner"]
    assert [(problem.line, "not a range" in problem.sentence) for problem in owners.problems] == [(1, True)]


def test_a_file_of_three_megabytes_owns_nothing() -> None:
    filler = "# comment\n"
    text = "* @owner\n" + filler * (TOO_LARGE // len(filler))

    assert parse(text).rules == ()
    assert len(parse(text).problems) == 1
    assert len(parse(text[: TOO_LARGE - 1]).rules) == 1


@given(
    patterns=st.lists(
        st.builds(
            "/".join,
            st.lists(st.sampled_from(["a", "ab", "*", "**", "*.tf", "a*", "?b", "*b", ""]), max_size=4),
        ),
        max_size=6,
    ),
    path=st.builds(
        "/".join, st.lists(st.sampled_from(["a", "b", "ab", "x.tf", "bb"]), min_size=1, max_size=4)
    ),
)
def test_found_rule_is_the_one_of_an_exhaustive_search(patterns: list[str], path: str) -> None:
    owners = parse("".join(f"{pattern} @owner{number}\n" for number, pattern in enumerate(patterns)))

    plain = next((rule for rule in reversed(owners.rules) if matches(rule.pattern, path)), None)

    assert owners.rule(path) == plain


@given(text=NASTY, path=st.text(alphabet="ab/*? \\", min_size=1, max_size=30))
def test_any_text_is_read_and_any_path_is_matched(text: str, path: str) -> None:
    owners = parse(text)

    lines = {rule.line for rule in owners.rules} | {problem.line for problem in owners.problems}
    assert lines <= set(range(1, text.count("\n") + 2))
    rule = owners.rule(path)
    fitting = [rule.line for rule in owners.rules if matches(rule.pattern, path)]
    assert (rule.line if rule else None) == (fitting[-1] if fitting else None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("a*" * 2_000 + "b", "a" * 4_000),
        ("**/a/" * 400 + "b", "a/" * 800 + "c"),
        ("*" * 2 + "/*a*a*a*a*a*a*a*a*a*a*b", "a" * 20_000),
        ("\\ " * 5_000, " " * 4_999),
    ],
)
def test_patterns_that_hang_a_backtracking_matcher_end_with_no(pattern: str, path: str) -> None:
    # A matcher that tries every split would need longer than the universe lasts.
    assert parse(f"{pattern} @owner").owners(path) == ()


def test_many_rules_and_paths_are_no_product() -> None:
    owners = parse("".join(f"/team{number}/ @o{number}\n" for number in range(20_000)))

    asked = [written(owners, f"team{number}/main.tf") for number in range(0, 20_000, 7)]

    assert asked == [[f"@o{number}"] for number in range(0, 20_000, 7)]
