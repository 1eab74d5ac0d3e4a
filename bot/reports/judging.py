"""What the outcomes of checks mean for their report: the same rules for every kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bot.domain.core.outcome import Outcome, worst
from bot.reports.envelope import Check, Warn

EMPTY_SAMPLE: Final = "empty_sample"
INSUFFICIENT: Final = "insufficient"
WOULD_FAIL: Final = "would_fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leniency:
    """How policy treats checks that could not be measured."""

    insufficient: Literal["warn", "block", "pass"] = "warn"
    """Checks that are inconclusive, for whatever reason."""
    empty_sample: Literal["warn", "block"] = "warn"
    """Checks without a single sample."""


def effect(check: Check, leniency: Leniency) -> Outcome:
    """Return what a check contributes to the outcome of its report."""
    if check.mode == "observe" or not check.critical or check.outcome is Outcome.PASS:
        return Outcome.PASS
    if check.outcome is not Outcome.INCONCLUSIVE:
        return check.outcome
    blocks = leniency.empty_sample if _is_empty(check) else leniency.insufficient
    return Outcome.INCONCLUSIVE if blocks == "block" else Outcome.PASS


def outcome_of(checks: Iterable[Check], leniency: Leniency) -> Outcome:
    """Return the outcome of a report; PASS without checks."""
    return worst(effect(check, leniency) for check in checks)


def warnings_of(checks: Iterable[Check], leniency: Leniency) -> tuple[Warn, ...]:
    """Return what must be read although it shuts nothing, once per code and check."""
    return tuple(found for check in checks for found in _warnings(check, leniency))


def violations(checks: Iterable[Check], leniency: Leniency) -> tuple[Check, ...]:
    """Return the checks that keep the report from passing."""
    return tuple(check for check in checks if effect(check, leniency) is not Outcome.PASS)


def _warnings(check: Check, leniency: Leniency) -> Iterator[Warn]:
    if check.outcome is Outcome.PASS or effect(check, leniency) is not Outcome.PASS:
        return
    if check.outcome is Outcome.INCONCLUSIVE:
        if _is_empty(check):
            yield Warn(code=EMPTY_SAMPLE, sentence=check.sentence)
        elif leniency.insufficient != "pass":
            yield Warn(code=INSUFFICIENT, sentence=check.sentence)
        return
    why = "it is only observed" if check.mode == "observe" else "it only warns"
    yield Warn(code=WOULD_FAIL, sentence=f"{check.sentence} This does not fail the report, because {why}.")


def _is_empty(check: Check) -> bool:
    return check.observed is not None and check.observed.samples == 0
