"""A plan's text is cut and masked in time proportional to it, whatever its keys and values are."""

from __future__ import annotations

import json

import pytest

from bot.domain.plans.text import mask_by_position, pieces


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "words", [" is tainted, so must be ", " will be ", " has moved to ", " has changed", ' \\"] will be ']
)
def test_key_of_many_words_of_terraform_itself_is_a_key(words: str) -> None:
    name = f'terraform_data.a["{words * 30_000}x"]'

    found = pieces(f"Objects have changed outside of Terraform\n\n  # {name} has changed\n")

    assert [piece.name for piece in found if piece.name] == [name]


@pytest.mark.timeout(20)
def test_many_short_secrets_are_masked_at_once() -> None:
    secrets = [str(number) for number in range(50_000)]
    text = "".join(f"          + {json.dumps(value)},\n" for value in secrets)

    assert set(mask_by_position(text, secrets).split()) == {"+", "(sensitive),"}
