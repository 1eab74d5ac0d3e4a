"""Which checks must pass, from what is required and what was reported."""

from __future__ import annotations

from typing import Final

import pytest

from bot.domain.core.outcome import Outcome
from bot.domain.gates.required_checks import ReportedCheck, RequiredCheck, checks_to_pass

OURS, CI, OTHER = 1, 7, 8
PASS, FAIL, WAIT = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def green(name: str, app: int | None = CI) -> ReportedCheck:
    return ReportedCheck(name=name, app=app, outcome=PASS, state="success")


def red(name: str, app: int | None = CI) -> ReportedCheck:
    return ReportedCheck(name=name, app=app, outcome=FAIL, state="failure")


def running(name: str, app: int | None = CI) -> ReportedCheck:
    return ReportedCheck(name=name, app=app, outcome=WAIT, state="in_progress")


def needs(name: str, app: int | None = None) -> RequiredCheck:
    return RequiredCheck(name=name, app=app)


Told = list[tuple[str, Outcome, str]]
CASES: Final[dict[str, tuple[list[ReportedCheck], list[RequiredCheck], Told]]] = {
    "nothing required, all that is reported counts": (
        [green("tests"), red("lint", None)],
        [],
        [("tests", PASS, "success"), ("lint", FAIL, "failure")],
    ),
    "what is not required does not count": (
        [green("tests"), red("lint")], [needs("tests")], [("tests", PASS, "success")],
    ),
    "what is required and not reported is missing": (
        [green("tests")],
        [needs("tests"), needs("scan")],
        [("tests", PASS, "success"), ("scan", WAIT, "missing")],
    ),
    "required twice is told once": (
        [green("tests")], [needs("tests"), needs("tests", CI)], [("tests", PASS, "success")],
    ),
    "the App that must report it has": ([green("tests")], [needs("tests", CI)], [("tests", PASS, "success")]),
    "another App has": ([green("tests", OTHER)], [needs("tests", CI)], [("tests", WAIT, "only_by_others")]),
    "nobody knows which App has": ([green("tests", None)], [needs("tests", CI)], [("tests", WAIT, "only_by_others")]),
    "another App's green does not hide the red of the one that must report it": (
        [red("tests"), green("tests", OTHER)], [needs("tests", CI)], [("tests", FAIL, "failure")],
    ),
    "another App's red is nothing to a check that one App must report": (
        [green("tests"), red("tests", OTHER)], [needs("tests", CI)], [("tests", PASS, "success")],
    ),
    "a check and a status of one name must both pass": (
        [green("tests", None), running("tests")], [needs("tests")], [("tests", WAIT, "in_progress")],
    ),
    "red is worse than running": (
        [running("tests"), red("tests", OTHER)], [], [("tests", FAIL, "failure")],
    ),
    "our own are left out": (
        [red("gatewright/apply", OURS), green("tests")],
        [needs("gatewright/apply"), needs("tests")],
        [("tests", PASS, "success")],
    ),
    "our own that is not there yet is not missing where it must be ours": (
        [green("tests")], [needs("gatewright/apply", OURS), needs("tests")], [("tests", PASS, "success")],
    ),
    "a name of ours that must come from another App": (
        [green("gatewright/apply", OURS)],
        [needs("gatewright/apply", CI)],
        [("gatewright/apply", WAIT, "missing")],
    ),
    "where only our own is required, all that is reported counts": (
        [red("gatewright/apply", OURS), red("lint")], [needs("gatewright/apply")], [("lint", FAIL, "failure")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("reported", "required", "told"), CASES.values(), ids=CASES.keys())
def test_required_checks(reported: list[ReportedCheck], required: list[RequiredCheck], told: Told) -> None:
    found = checks_to_pass(reported, required, ours=OURS)

    assert [(each.name, each.outcome, each.state) for each in found] == told
