"""The checks that a branch requires of a commit, and their reported results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.core.outcome import Outcome
from bot.domain.gates.facts import MISSING, ONLY_BY_OTHERS, OtherCheck

_WORST_FIRST = (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCheck:
    """A check that a branch requires of every commit."""

    name: str
    app: int | None = None
    """The App that must report it; None where any account may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCheck:
    """One result for a commit: the newest check run of a name, or a commit status."""

    name: str
    app: int | None
    """The App that reported it; None if it was no App, or unknown."""
    outcome: Outcome
    state: str


def checks_to_pass(
    reported: Sequence[ReportedCheck], required: Sequence[RequiredCheck], *, ours: int
) -> Sequence[OtherCheck]:
    """Return the checks of a commit without those of the App `ours`.

    Where some are required, these are returned, missing ones too; else all that were reported. Where several
    sources report under one name, all of them must pass, as on GitHub.
    """
    own = {each.name for each in reported if each.app == ours}
    others = [each for each in reported if each.app != ours]
    wanted = [each for each in required if each.app != ours and not (each.app is None and each.name in own)]
    asked = wanted or [RequiredCheck(name=each.name) for each in others]
    return list(dict.fromkeys(_found(each, others) for each in asked))


def _found(check: RequiredCheck, others: Sequence[ReportedCheck]) -> OtherCheck:
    named = [each for each in others if each.name == check.name]
    fitting = [each for each in named if check.app in {None, each.app}]
    if not fitting:
        # Any account with write access can report a green status under any name.
        state = ONLY_BY_OTHERS if named else MISSING
        return OtherCheck(name=check.name, outcome=Outcome.INCONCLUSIVE, state=state)
    worst = min(fitting, key=lambda each: _WORST_FIRST.index(each.outcome))
    return OtherCheck(name=worst.name, outcome=worst.outcome, state=worst.state)
