from __future__ import annotations

import re
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from bot.metrics import Metrics
from tests.docs.pages import read

_ENDINGS: Final = {
    "histogram": ("_bucket", "_sum", "_count"),
    # The text format names a counter with its ending.
    "counter": ("",),
    "gauge": ("",),
}
_SHOWN = Metrics("1").render().decode()
_NAME = re.compile(r"\b(?:gatewright|process)_\w+")


def samples() -> set[str]:
    """Return the names of all samples that `/metrics` can have."""
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", _SHOWN, re.MULTILINE)
    return {f"{name}{ending}" for name, kind in kinds for ending in _ENDINGS[kind]}


def rules() -> list[dict[str, Any]]:
    file = YAML(typ="safe").load(read("docs/alerts.yaml"))
    return [rule for group in file["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_alert_uses_existing_metrics_and_says_what_is_wrong(rule: dict[str, Any]) -> None:
    named = set(_NAME.findall(rule["expr"]))

    assert named
    assert named - samples() == set()
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_is_written_in_closed_brackets(rule: dict[str, Any]) -> None:
    for opening, closing in ("()", "[]", "{}"):
        assert rule["expr"].count(opening) == rule["expr"].count(closing)


def test_labels_that_alerts_name_are_those_of_the_metrics() -> None:
    metrics = Metrics("1")

    for rule in rules():
        for metric, selector in re.findall(r"(gatewright_\w+)\{([^}]*)\}", rule["expr"]):
            used = set(re.findall(r"(\w+)(?:=~|!~|!=|=)", selector))
            assert used <= metrics.labels(re.sub(r"_(total|bucket|sum|count)$", "", metric)), rule["alert"]
