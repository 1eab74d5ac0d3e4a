from __future__ import annotations

import base64
import json
import pickle
import re
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.secrets.redaction import MASK, Redactor, is_secret, sensitive_values
from tests.data.plans import plan_json

SECRET = 'p@ss "word"/+\\ü'


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(json.dumps(SECRET), id="JSON"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False), id="JSON with letters as they are"),
        pytest.param(
            json.dumps(json.dumps({"a": SECRET}, ensure_ascii=False), ensure_ascii=False), id="JSON in JSON"
        ),
        pytest.param(quote(SECRET), id="URL path"),
        pytest.param(quote(SECRET, safe=""), id="URL component"),
        pytest.param(quote_plus(SECRET), id="URL query"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="base64"),
        pytest.param(
            base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
            id="URL-safe base64 without padding",
        ),
        pytest.param(SECRET.encode().hex(), id="hexadecimal"),
        pytest.param(SECRET.encode().hex().upper(), id="hexadecimal in capitals"),
        pytest.param(SECRET.replace('"', "&quot;"), id="XML"),
        pytest.param(SECRET.replace('"', "&#34;"), id="XML as Go writes it"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False).replace("/", "\\/"), id="JSON of PHP"),
        pytest.param(re.sub("%..", lambda sign: sign[0].lower(), quote(SECRET, safe="")), id="small URL"),
    ],
)
def test_secret_is_found_in_every_form_that_programs_print(shown: str) -> None:
    redact = Redactor({SECRET})

    redacted = redact(f"before {shown} after")

    assert MASK in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")
    for form in (
        SECRET,
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ):
        assert form not in redacted
    assert "word" not in redacted


@pytest.mark.parametrize("shown", ["a&amp;b&lt;c&gt;d", r"a\\u0026b\\u003cc\\u003ed", "a&#38;b&#60;c&#62;d"])
def test_signs_that_programs_write_as_entities_hide_no_secret(shown: str) -> None:
    assert Redactor({"a&b<c>d"})(f"<Message>{shown}</Message>") == f"<Message>{MASK}</Message>"


@settings(deadline=None)
@given(before=st.binary(max_size=6), after=st.binary(max_size=6))
def test_a_secret_inside_a_longer_base64_text_is_unreadable(before: bytes, after: bytes) -> None:
    secret = "hunter2-hunter2"

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        redacted = Redactor({secret})(encode(before + secret.encode() + after).decode())

        assert MASK in redacted
        assert len(redacted.replace(MASK, "")) <= 4 * (len(before) + len(after)) / 3 + 12


@settings(deadline=None)
@given(st.lists(st.text(min_size=4, max_size=80), max_size=8), st.data())
def test_no_secret_survives_in_any_text(values: list[str], data: st.DataObject) -> None:
    secrets = [
        value for value in values if is_secret(value) and not MASK.startswith(value) and value not in MASK
    ]
    parts = data.draw(st.lists(st.sampled_from([*secrets, "text", "\n", " = "]), max_size=12))
    text = "".join(parts)

    redacted = Redactor(secrets)(text)

    remains = redacted.split(MASK)
    assert not [value for value in secrets for piece in remains if value in piece]


def test_overlapping_secrets_leave_nothing_of_either() -> None:
    assert Redactor({"abcdef", "defghi"})("x abcdefghi y") == f"x {MASK} y"


def test_the_longest_of_several_secrets_is_taken() -> None:
    assert Redactor({"token", "token-with-more"})("token-with-more!") == f"{MASK}!"


def test_a_long_secret_becomes_one_mask() -> None:
    secret = "".join(f"{number:04d}" for number in range(500))

    assert Redactor({secret})(f"<{secret}>") == f"<{MASK}>"


def test_lines_of_a_secret_are_secrets_unless_they_are_short() -> None:
    key = "-----BEGIN KEY-----\n  MIIBOgIBAAJB\nshort\n"

    assert Redactor({key})("MIIBOgIBAAJB and short") == f"{MASK} and short"


@pytest.mark.parametrize(
    "value", ["abc", "true", "null", "8080", "-1.5", "99999", "admin", "Default", "prod", "    ", "0.0.0.0/0"]
)
def test_what_everybody_knows_is_not_hidden(value: str) -> None:
    assert not is_secret(value)
    assert Redactor({value})(f"x = {value}") == f"x = {value}"


@pytest.mark.parametrize("value", ["abcd", "123456", "production-db", "trueish", "99.999999"])
def test_other_values_are(value: str) -> None:
    assert Redactor({value})(f"x = {value}") == f"x = {MASK}"


def test_a_redactor_learns_more() -> None:
    first = Redactor({"first-secret"})

    both = first.with_more({"second-secret"})

    assert both("first-secret second-secret") == f"{MASK} {MASK}"
    assert first("second-secret") == "second-secret"


def test_a_redactor_shows_and_hands_out_no_secret() -> None:
    redact = Redactor({"first-secret"})

    assert "first" not in f"{redact!r} {redact!s}"
    with pytest.raises(TypeError, match="never serialised"):
        pickle.dumps(redact)


def test_an_empty_redactor_returns_the_text() -> None:
    assert Redactor()("text") == "text"


def test_work_per_position_is_bounded_for_slow_values() -> None:
    redact = Redactor({"a" * length + "b" for length in range(4, 1000)})

    assert all(len(sizes) <= 61 for sizes in redact._lengths.values())
    assert redact("a" * 10_000) == MASK


def test_all_sensitive_values_of_a_plan_are_collected() -> None:
    values = sensitive_values(plan_json("secrets"))

    assert {
        "old-token-value",
        "new-token-value",
        "deep-inner-password",
        "bob",
        "eve",
        "abc",
        "xyz",
        "42",
        "43",
    } <= values
    assert "app" not in values


def test_sensitive_parts_of_every_place_are_collected() -> None:
    def secret(text: str) -> dict[str, Any]:
        return {"before": None, "after": {"a": [text, "open"]}, "after_sensitive": {"a": [True, False]}}

    plan = {
        "resource_changes": [{"change": secret("in-change")}],
        "resource_drift": [{"change": secret("in-drift")}],
        "output_changes": {"o": {"before": {"k": "in-output"}, "before_sensitive": True}},
        "variables": {"v": {"value": ["in-variable"]}},
        "planned_values": {"outputs": {"p": {"sensitive": True, "value": "in-planned-output"}}},
        "prior_state": {
            "values": {
                "root_module": {
                    "child_modules": [
                        {
                            "resources": [
                                {"values": {"x": "in-state", "y": "open"}, "sensitive_values": {"x": True}}
                            ]
                        }
                    ]
                }
            }
        },
        "configuration": {
            "root_module": {
                "variables": {"v": {"sensitive": True}},
                "module_calls": {
                    "m": {
                        "expressions": {"w": {"constant_value": "in-call"}},
                        "module": {"variables": {"w": {"sensitive": True, "default": "in-default"}}},
                    }
                },
            }
        },
    }

    assert sensitive_values(plan) == {
        "in-change",
        "in-drift",
        "in-output",
        "in-variable",
        "in-planned-output",
        "in-state",
        "in-call",
        "in-default",
    }


@settings(deadline=None)
@given(
    secrets=st.lists(st.text(alphabet='ab"é中\ud800🙂x', min_size=4, max_size=9), min_size=1, max_size=9),
    filling=st.lists(st.text(alphabet='ab"é中\ud800🙂x ', max_size=80), max_size=12),
    parts=st.lists(st.integers(min_value=0), max_size=12),
)
def test_a_long_text_is_redacted_just_like_its_short_copy(
    secrets: list[str], filling: list[str], parts: list[int]
) -> None:
    redact = Redactor(secrets)
    short = "".join(
        filler + secrets[part % len(secrets)] for filler, part in zip(filling, parts, strict=False)
    )
    short = short[:400]

    # Far more than the length from which on the starts are looked for first, and nothing in it to hide.
    far_away = "." * 5000

    assert redact(short + far_away) == redact(short) + far_away
    assert redact(far_away + short) == far_away + redact(short)
