"""Gates about the environment: whether it is unlocked, not frozen, and without drift."""

from __future__ import annotations

from typing import Final

from bot.domain.core.refusals import Reason
from bot.domain.gates.facts import Facts
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.gate import Gate, GateResult, When
from bot.domain.gates.lock_sentences import how_to_unlock, locked_sentence
from bot.domain.releases.release import is_whole

_MOST_NAMED = 5


def lock(facts: Facts) -> GateResult:
    """Judge whether the stack is not locked by others, and its data is not being copied."""
    held, repo = facts.lock, facts.plan.stack.repo
    if held is not None and (held.stack.repo, held.pull) != (repo, facts.pull.number):
        return LOCK.failed(locked_sentence(held, repo=repo), how_to_unlock(held, repo=repo))
    if facts.copied_by is not None:
        sentence = f"The data of {facts.plan.stack.env} is being copied by run {facts.copied_by.id}."
        return LOCK.failed(sentence, "wait until that run has ended")
    return LOCK.passed("Held by this pull request." if held else "Free.")


LOCK: Final = Gate(
    name="lock",
    judge=lock,
    when=When.ALWAYS,
    revert=lock,
    can_be_overridden=False,
    reasons=(Reason.LOCKED,),
    open_when="no other pull request has locked the stack, and the environment's data is not being copied",
    opened_by="`/unlock ENV` on the other pull request, or its merge; the end of the copy",
)


def hold(facts: Facts) -> GateResult:
    """Judge whether neither a freeze nor the policy's calendar closes the environment."""
    if HOLD.name in facts.unreadable:
        return HOLD.unreadable("The holds", facts)
    if facts.holds:
        first, more = facts.holds[0], len(facts.holds) - 1
        sentence = f"{_held(first, facts)} (by {first.by}, since {first.since:%Y-%m-%d %H:%M} UTC)"
        said = sentence + (f", and {more} more." if more else ".")
        return HOLD.failed(said, first.command_to_lift)
    if facts.closed_reason is not None:
        sentence = f"{facts.plan.stack.env} is closed by the policy's calendar: {facts.closed_reason}"
        return HOLD.failed(sentence, "wait for the end of the window, or change the policy")
    if facts.passed_holds:
        held = _held(facts.passed_holds[0], facts)
        ends = "its apply lifts the hold" if is_whole(facts.plan) else "the hold stays"
        return HOLD.passed(f"{held}. This plan was made after that: it may pass, and {ends}.")
    return HOLD.passed("No hold.")


def stopped(facts: Facts) -> GateResult:
    """Judge whether the operator has not stopped everything, which alone blocks a revert."""
    # Other freezes are there so that nothing rolls forward, and a revert does not.
    stops = [hold for hold in facts.holds if hold.cause is HoldCause.STOP]
    if stops:
        said = f"{_held(stops[0], facts)} (by {stops[0].by}, since {stops[0].since:%Y-%m-%d %H:%M} UTC)."
        return HOLD.failed(said, stops[0].command_to_lift)
    return HOLD.passed("Not stopped by the operator; other holds do not keep a revert back.")


HOLD: Final = Gate(
    name="hold",
    judge=hold,
    when=When.ALWAYS,
    revert=stopped,
    can_be_overridden=True,
    reasons=(Reason.HOLD,),
    open_when="the environment is not frozen (`/hold`), and no window or freeze of the calendar closes it",
    opened_by="`/unhold ENV`; the end of the window or freeze; `gatewright go` after `gatewright stop`",
)


def drift(facts: Facts) -> GateResult:
    """Judge whether the plan shows everything that was changed outside Terraform."""
    if DRIFT.name in facts.unreadable:
        return DRIFT.unreadable("What changed outside Terraform", facts)
    # Without a check there is no finding; `drift.every` in the policy enables checks.
    if facts.drift is None:
        return DRIFT.passed("No drift check has run yet.")
    if facts.drift:
        named = ", ".join(f"`{address}`" for address in facts.drift[:_MOST_NAMED])
        more = len(facts.drift) - _MOST_NAMED
        sentence = f"Changed outside Terraform: {named}{f' and {more} more' if more > 0 else ''}; this plan does not show it."
        return DRIFT.failed(sentence, facts.plan_command)
    return DRIFT.passed("Nothing was changed outside Terraform, or this plan shows it.")


DRIFT: Final = Gate(
    name="drift",
    judge=drift,
    when=When.NAMED,
    can_be_overridden=True,
    reasons=(Reason.DRIFT,),
    open_when="no change made outside Terraform is missing from the plan; open if no drift check has run yet",
    opened_by="a new plan, or a `/drift ENV` that finds no drift any more",
)


def _held(held: Hold, facts: Facts) -> str:
    what = "Everything is stopped" if held.env is None else f"{facts.plan.stack.env} is on hold"
    return f"{what}: {held.reason.rstrip('. ')}"
