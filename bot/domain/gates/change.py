"""Gates on the change itself: its risks, and the results of other checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.core.outcome import Outcome
from bot.domain.core.refusals import Reason
from bot.domain.gates.facts import Facts, OtherCheck
from bot.domain.gates.gate import Gate, GateResult, When
from bot.domain.plans.plan import RiskLevel

_MOST_NAMED = 5


def checks(facts: Facts) -> GateResult:
    """Judge whether every other check that the commit needs has passed."""
    found = facts.checks
    if found is None:
        return CHECKS.unreadable("The other checks", facts)
    if bad := [check for check in found if check.outcome is Outcome.FAIL]:
        sentence = f"Not passed: {_named(bad)}."
        return CHECKS.failed(sentence, "a push that mends it, or a re-run of the check")
    if pending := [check for check in found if check.outcome is not Outcome.PASS]:
        return CHECKS.waiting(_awaited(pending), "wait for it; this gate is judged again automatically")
    if not found:
        return CHECKS.passed("No other check is required.")
    return CHECKS.passed(f"Passed: {', '.join(check.name for check in found[:_MOST_NAMED])}.")


CHECKS: Final = Gate(
    name="checks",
    judge=checks,
    when=When.NAMED,
    can_be_overridden=True,
    reasons=(Reason.CHECKS,),
    open_when="every other required check of the commit has passed",
    opened_by="a push that repairs it, or a re-run of the check",
)


def risk(facts: Facts) -> GateResult:
    """Judge whether the plan's risk is within the policy's limits."""
    limits, found = facts.risk, facts.plan.summary.risk
    if limits is None:
        return RISK.unreadable("The policy on risks", facts)
    opens = "a plan that destroys less, or a change of `apply.risk` in the policy"
    # The level says how much is lost; what holds data is refused at any level.
    if found.stateful and not limits.allow_stateful_destroy:
        named = ", ".join(f"`{address}`" for address in found.stateful[:_MOST_NAMED])
        return RISK.failed(f"It destroys or replaces what holds data: {named}.", opens)
    levels = list(RiskLevel)
    if levels.index(found.level) > levels.index(limits.max_level):
        why = f" ({'; '.join(found.reasons[:3])})" if found.reasons else ""
        sentence = f"The risk is {found.level}{why}, and the policy lets {limits.max_level} through."
        return RISK.failed(sentence, opens)
    return RISK.passed(f"The risk is {found.level}.")


RISK: Final = Gate(
    name="risk",
    judge=risk,
    when=When.NAMED,
    revert=risk,
    can_be_overridden=True,
    reasons=(Reason.RISK,),
    open_when="the plan's risk is within `apply.risk`",
    opened_by="a plan that destroys less, or another `apply.risk`",
)


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
