"""Gates about the change itself: what it does, and what other checks say of it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.gates.facts import Facts, OtherCheck
from bot.domain.gates.result import GateResult, failed, passed, unread, waiting
from bot.domain.outcome import Outcome
from bot.domain.plan import RiskLevel
from bot.domain.refusals import Reason

_MOST_NAMED = 5


def checks(facts: Facts) -> GateResult:
    """Every check that is required of the commit, our own left out, has passed."""
    found = facts.checks
    if found is None:
        return unread("checks", Reason.CHECKS, "The other checks", facts.unreadable.get("checks"))
    if bad := [check for check in found if check.outcome is Outcome.FAIL]:
        sentence = f"Not passed: {_named(bad)}."
        return failed("checks", Reason.CHECKS, sentence, "a push that mends it, or a re-run of the check")
    if pending := [check for check in found if check.outcome is not Outcome.PASS]:
        return waiting(
            "checks", Reason.CHECKS, _awaited(pending), "wait for it; this is judged again by itself"
        )
    if not found:
        return passed("checks", "No other check is required.")
    return passed("checks", f"Passed: {', '.join(check.name for check in found[:_MOST_NAMED])}.")


def risk(facts: Facts) -> GateResult:
    """The plan hurts no more than the policy lets it."""
    limits, found = facts.risk, facts.plan.summary.risk
    if limits is None:
        return unread("risk", Reason.RISK, "The policy on risks", facts.unreadable.get("risk"))
    opens = "a plan that destroys less, or a change of `apply.risk` in the policy"
    if found.stateful and not limits.allow_stateful_destroy:
        named = ", ".join(f"`{address}`" for address in found.stateful[:_MOST_NAMED])
        return failed("risk", Reason.RISK, f"It destroys or replaces what holds data: {named}.", opens)
    levels = list(RiskLevel)
    if levels.index(found.level) > levels.index(limits.max_level):
        why = f" ({'; '.join(found.reasons[:3])})" if found.reasons else ""
        sentence = f"The risk is {found.level}{why}, and the policy lets {limits.max_level} through."
        return failed("risk", Reason.RISK, sentence, opens)
    return passed("risk", f"The risk is {found.level}.")


def _awaited(pending: Sequence[OtherCheck]) -> str:
    running = [check for check in pending if not check.absent]
    absent = [check for check in pending if check.absent]
    said = [f"Not ended yet: {_named(running)}."] if running else []
    said += [f"Required by the base branch, and not reported: {_named(absent)}."] if absent else []
    return " ".join(said)


def _named(found: Sequence[OtherCheck]) -> str:
    shown = [f"{check.name} ({check.state.replace('_', ' ')})" for check in found[:_MOST_NAMED]]
    more = len(found) - _MOST_NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
