from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comments.markdown.diff import to_github_diff
from tests.data.plans import plan_text


@pytest.mark.parametrize(
    ("terraform", "github"),
    [
        ('  + resource "a" "b" {', '+   resource "a" "b" {'),
        ("      ~ size = 1 -> 2", "!       size = 1 -> 2"),
        ("      - name = 1 -> null", "-       name = 1 -> null"),
        ('-/+ resource "a" "b" {', '-/+ resource "a" "b" {'),
        ('+/- resource "a" "b" {', '+/- resource "a" "b" {'),
        ("        name = 1", "        name = 1"),
        ("  # a.b will be created", "  # a.b will be created"),
        ("        -x = 1", "        -x = 1"),
    ],
)
def test_markers_move_to_the_start_of_the_line(terraform: str, github: str) -> None:
    assert to_github_diff(terraform) == github


def test_list_in_changed_heredoc_is_not_taken_for_removed_lines() -> None:
    block = """\
      ~ y = <<-EOT
            a: 1
            - item
          - - gone
          + - new
        EOT
      - z = 1 -> null"""

    assert to_github_diff(block).split("\n") == [
        "!       y = <<-EOT",
        "            a: 1",
        "            - item",
        "-           - gone",
        "+           - new",
        "        EOT",
        "-       z = 1 -> null",
    ]


def test_every_line_of_an_added_heredoc_is_added() -> None:
    block = "      + y = <<-EOT\n            - item\n            EOT inside\n        EOT\n        same = 1"

    assert to_github_diff(block).split("\n") == [
        "+       y = <<-EOT",
        "+           - item",
        "+           EOT inside",
        "+       EOT",
        "        same = 1",
    ]


@given(st.text(alphabet="+-~/ EOT<=\na", max_size=200))
def test_no_line_is_lost(block: str) -> None:
    assert len(to_github_diff(block).split("\n")) == len(block.split("\n"))


@pytest.mark.parametrize("name", ["mixed", "secrets", "aws"])
def test_a_real_plan_keeps_every_character_but_the_marker(name: str) -> None:
    text = plan_text(name)

    for before, after in zip(text.split("\n"), to_github_diff(text).split("\n"), strict=True):
        assert sorted(after.replace("!", "~").replace(" ", "")) == sorted(
            before.replace("!", "~").replace(" ", "")
        )
        assert len(after) == len(before)
