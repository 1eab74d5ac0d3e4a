from __future__ import annotations

import pytest

from bot.domain.core.outcome import Outcome, worst
from bot.domain.releases.release import is_partial, output_digests


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((), Outcome.PASS),
        ((Outcome.PASS, Outcome.PASS), Outcome.PASS),
        ((Outcome.PASS, Outcome.INCONCLUSIVE), Outcome.INCONCLUSIVE),
        ((Outcome.ERROR, Outcome.INCONCLUSIVE), Outcome.ERROR),
        ((Outcome.PASS, Outcome.ERROR, Outcome.FAIL), Outcome.FAIL),
    ],
)
def test_the_worst_outcome_decides(outcomes: tuple[Outcome, ...], together: Outcome) -> None:
    assert worst(outcomes) is together


@pytest.mark.parametrize(
    ("arguments", "partial"),
    [
        ((), False),
        (("-parallelism=2",), False),
        (("-replace=terraform_data.web",), False),
        (("-parallelism=2", "-target=terraform_data.web"), True),
        (("-refresh=false",), True),
    ],
)
def test_a_targeted_plan_or_one_without_refresh_leaves_something_out(
    arguments: tuple[str, ...], *, partial: bool
) -> None:
    assert is_partial(arguments) is partial


def test_output_digests_tell_values_apart_and_hold_none() -> None:
    one = output_digests({"url": {"value": "a", "sensitive": True}, "list": {"value": [1, {"x": 2, "a": 1}]}})
    same = output_digests({"list": {"value": [1, {"a": 1, "x": 2}]}, "url": {"value": "a"}})
    other = output_digests({"url": {"value": "b"}, "list": "no output"})

    assert one == same
    assert one["url"] != other["url"]
    assert list(other) == ["url"]
    assert all(len(digest) == 64 for digest in one.values())
