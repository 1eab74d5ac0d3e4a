from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.plans.text import Section, mask_by_position, pieces
from tests.data.plans import plan_text

_LINES = st.sampled_from(
    [
        "Terraform will perform the following actions:",
        "Note: Objects have changed outside of Terraform",
        "  # a.b will be created",
        " # a.c will no longer be managed by Terraform, but will not be destroyed",
        "  # a.d has moved to a.e",
        "    }",
        "",
        "      + x = 1",
        "\u2028  # a.b will be destroyed",
    ]
)


@settings(deadline=None)
@given(st.lists(_LINES | st.text(max_size=20), max_size=30).map("\n".join))
def test_the_pieces_of_any_text_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in pieces(text)) == text


@pytest.mark.parametrize("name", ["mixed", "secrets", "aws"])
def test_the_pieces_of_a_real_plan_are_the_plan(name: str) -> None:
    text = plan_text(name)

    assert "".join(piece.text for piece in pieces(text)) == text


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("  # a.b will be created", "a.b"),
        ("  # a.b must be replaced", "a.b"),
        ("  # a.b is tainted, so must be replaced", "a.b"),
        ("  # a.b will be replaced, as requested", "a.b"),
        ("  # a.b will be replaced due to changes in replace_triggered_by", "a.b"),
        ("  # a.b (deposed object 0a1b2c3d) will be destroyed", "a.b (deposed object 0a1b2c3d)"),
        ('  # a.b["x will be destroyed"] will be created', 'a.b["x will be destroyed"]'),
        ("  # a.old has moved to module.m[0].a.b", "module.m[0].a.b"),
        (" # a.b will no longer be managed by Terraform, but will not be destroyed", "a.b"),
    ],
)
def test_a_header_names_its_resource(header: str, name: str) -> None:
    text = f"Terraform will perform the following actions:\n\n{header}\n  + resource\n    }}\n\nPlan: 1 to add.\n"

    found = [piece for piece in pieces(text) if piece.name]

    assert [(piece.section, piece.name) for piece in found] == [(Section.PLANNED, name)]
    assert found[0].text.endswith("    }\n")


def test_other_line_separators_start_no_line() -> None:
    text = "Terraform will perform the following actions:\n  # a.b will be created\n      + x = \u2028  # a.c will be destroyed\n    }\n"

    assert [piece.name for piece in pieces(text) if piece.name] == ["a.b"]


@pytest.mark.parametrize(
    ("line", "secret", "masked"),
    [
        ('      - pin = "abc" -> null', "abc", "      - pin = (sensitive) -> null"),
        ("      ~ n = 42 -> (known after apply)", "42", "      ~ n = (sensitive) -> (known after apply)"),
        ('          + "abc",', "abc", "          + (sensitive),"),
        (
            '      ~ pin = "abc" -> "xyz" # forces replacement',
            "xyz",
            '      ~ pin = "abc" -> (sensitive) # forces replacement',
        ),
        ('      - name = "abc-d" -> null', "abc", '      - name = "abc-d" -> null'),
        ("      ~ n = 142 -> 423", "42", "      ~ n = 142 -> 423"),
        ("      + on = true", "true", "      + on = true"),
    ],
)
def test_short_secret_is_masked_where_it_is_the_whole_value(line: str, secret: str, masked: str) -> None:
    assert mask_by_position(line, [secret]) == masked
