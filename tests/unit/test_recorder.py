from __future__ import annotations

from typing import Any

import pytest

from tests.recorder.__main__ import arguments
from tests.recorder.compare import differences
from tests.recorder.model import Need, Recording
from tests.recorder.redaction import Redaction
from tests.recorder.table import EXPERIMENTS


def a_recording(answer: object, **facts: object) -> Recording:
    exchange = {"method": "GET", "route": "/x", "status": 200, "answer": answer}
    return Recording(
        name="x",
        question="?",
        api_url="https://api.github.com",
        recorded_at="2026-03-01",
        facts=facts,
        measured={},
        asked=[],
        exchanges=[exchange],
    )


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        pytest.param({"token": "anything"}, {"token": "redacted"}, id="a secret by its key"),
        pytest.param("known", "redacted", id="a secret that is known"),
        pytest.param("x ghs_1234_eyJhbGciOi.eyJpc3Mi.sig y", "x redacted y", id="a token of an installation"),
        pytest.param("github_pat_11AAAAAAAAAAAA", "redacted", id="a fine-grained token"),
        pytest.param("by Olga <o.l+ga@mail.example.org>", "by author <redacted>", id="an e-mail address"),
        pytest.param({"email": None}, {"email": None}, id="no e-mail address"),
        pytest.param(["https://avatars.githubusercontent.com/u/1?v=4"], ["redacted"], id="a picture"),
        pytest.param("/users/OLGA/repos", "/users/author/repos", id="a name in an address"),
        pytest.param("olga-maria and holga", "olga-maria and holga", id="a name inside of another"),
        pytest.param({"id": 7, "fork": False}, {"id": 7, "fork": False}, id="what nobody has to hide"),
    ],
)
def test_what_nobody_may_read_is_replaced(value: Any, clean: Any) -> None:
    redaction = Redaction(["known"])
    redaction.name({"olga": "author"})

    assert redaction.clean(value) == clean


@pytest.mark.parametrize(
    ("recorded", "stand_in", "found"),
    [
        pytest.param({"a": 1}, {"a": 2}, [], id="another value of the same kind"),
        pytest.param({"a": 1, "b": 1}, {"a": 1}, [], id="a field that the stand-in leaves out"),
        pytest.param(
            {"a": 1}, {"a": 1, "b": {"c": 1}}, ["only the stand-in answers answer.b"], id="a field too many"
        ),
        pytest.param(
            {"a": True}, {"a": 1}, ["answer.a is bool, the stand-in gives number"], id="another kind"
        ),
        pytest.param({"a": None}, {"a": {"b": 1}}, [], id="an object that was null"),
        pytest.param([], [{"a": 1}], [], id="a list that was empty"),
        pytest.param(
            [{"a": 1}], [{"b": 1}], ["only the stand-in answers answer.[].b"], id="a field in a list"
        ),
    ],
)
def test_shapes_that_only_the_stand_in_has_are_named(recorded: Any, stand_in: Any, found: list[str]) -> None:
    said = differences(a_recording(recorded), a_recording(stand_in))

    assert said == [f"GET /x 200: {each}" for each in found]


def test_a_fact_that_only_one_side_has_is_named() -> None:
    said = differences(a_recording({}, a=1, b=2), a_recording({}, a=1, c=3))

    assert said == ["b: recorded 2, the stand-in gives None", "c: recorded None, the stand-in gives 3"]


def test_what_disturbs_other_experiments_is_played_last() -> None:
    assert list(EXPERIMENTS)[-2:] == ["renamed-user", "content-limits"]
    assert [each.name for each in EXPERIMENTS.values() if Need.PERMIT in each.needs] == ["content-limits"]


def test_an_evening_is_bounded_and_deletes_nothing_by_default() -> None:
    plan = arguments(["throwaway"])

    assert (plan.most_repositories, plan.most_requests, plan.with_limits, plan.delete) == (
        5,
        1000,
        False,
        False,
    )


def test_an_unknown_experiment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["throwaway", "--only", "no-such-experiment"])

    assert "force-push" in capsys.readouterr().err
