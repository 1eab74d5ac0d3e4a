from __future__ import annotations

import pytest

from bot.domain.core.outcome import Outcome
from bot.reports.envelope import Check, Mode, Observed
from bot.reports.judging import Leniency, outcome_of, violations, warnings_of


def _check(outcome: Outcome, *, samples: int = 30, mode: Mode = "enforce", critical: bool = True) -> Check:
    observed = Observed(value=0.5, low=0.4, high=0.6, samples=samples)
    return Check(
        name="failedRate",
        outcome=outcome,
        code="limit_broken",
        sentence="failedRate is 50.0 %.",
        observed=observed,
        mode=mode,
        critical=critical,
    )


@pytest.mark.parametrize(
    ("check", "leniency", "outcome", "codes"),
    [
        (_check(Outcome.PASS), Leniency(), Outcome.PASS, []),
        (_check(Outcome.FAIL), Leniency(), Outcome.FAIL, []),
        (_check(Outcome.FAIL, mode="observe"), Leniency(), Outcome.PASS, ["would_fail"]),
        (_check(Outcome.FAIL, critical=False), Leniency(), Outcome.PASS, ["would_fail"]),
        (_check(Outcome.ERROR), Leniency(), Outcome.ERROR, []),
        (_check(Outcome.ERROR, mode="observe"), Leniency(), Outcome.PASS, ["would_fail"]),
        (_check(Outcome.INCONCLUSIVE), Leniency(), Outcome.PASS, ["insufficient"]),
        (_check(Outcome.INCONCLUSIVE), Leniency(insufficient="pass"), Outcome.PASS, []),
        (_check(Outcome.INCONCLUSIVE), Leniency(insufficient="block"), Outcome.INCONCLUSIVE, []),
        (
            _check(Outcome.INCONCLUSIVE, mode="observe"),
            Leniency(insufficient="block"),
            Outcome.PASS,
            ["insufficient"],
        ),
        (_check(Outcome.INCONCLUSIVE, samples=0), Leniency(), Outcome.PASS, ["empty_sample"]),
        (
            _check(Outcome.INCONCLUSIVE, samples=0),
            Leniency(insufficient="block"),
            Outcome.PASS,
            ["empty_sample"],
        ),
        (
            _check(Outcome.INCONCLUSIVE, samples=0),
            Leniency(empty_sample="block"),
            Outcome.INCONCLUSIVE,
            [],
        ),
    ],
)
def test_policy_says_what_an_outcome_means(
    check: Check, leniency: Leniency, outcome: Outcome, codes: list[str]
) -> None:
    assert outcome_of([check], leniency) is outcome
    assert [warning.code for warning in warnings_of([check], leniency)] == codes
    assert bool(violations([check], leniency)) == (outcome is not Outcome.PASS)
