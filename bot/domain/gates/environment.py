"""Gates about the environment: is it free, open and as it was left."""

from __future__ import annotations

from bot.domain.gates.facts import Facts
from bot.domain.gates.result import GateResult, failed, passed, unread
from bot.domain.holds import Hold, HoldCause
from bot.domain.lock_words import held_sentence, opener
from bot.domain.refusals import Reason
from bot.domain.release import is_whole

_MOST_NAMED = 5


def lock(facts: Facts) -> GateResult:
    """No other pull request holds the stack, and nobody replaces the environment's data."""
    held = facts.lock
    if held is not None and (held.stack.repo, held.pull) != (facts.plan.stack.repo, facts.pull.number):
        return failed(
            "lock",
            Reason.LOCKED,
            held_sentence(held, repo=facts.plan.stack.repo),
            opener(held, repo=facts.plan.stack.repo),
        )
    if facts.copied_by is not None:
        sentence = f"The data of {facts.plan.stack.env} is being copied by run {facts.copied_by.id}."
        return failed("lock", Reason.LOCKED, sentence, "wait until that run has ended")
    return passed("lock", "Held by this pull request." if held else "Free.")


def hold(facts: Facts) -> GateResult:
    """Neither a person nor the calendar keeps the environment closed."""
    if "hold" in facts.unreadable:
        return unread("hold", Reason.HOLD, "The holds", facts.unreadable["hold"])
    if facts.holds:
        first, more = facts.holds[0], len(facts.holds) - 1
        sentence = f"{_held(first, facts)} (by {first.by}, since {first.since:%Y-%m-%d %H:%M} UTC)"
        said = sentence + (f", and {more} more." if more else ".")
        return failed("hold", Reason.HOLD, said, first.command_to_lift)
    if facts.closed_reason is not None:
        return failed(
            "hold",
            Reason.HOLD,
            f"{facts.plan.stack.env} is closed by the policy's calendar: {facts.closed_reason}",
            "wait for the end of the window, or change the policy",
        )
    if facts.passed_holds:
        held = _held(facts.passed_holds[0], facts)
        ends = "its apply lifts the hold" if is_whole(facts.plan) else "the hold stays"
        return passed("hold", f"{held}. This plan was made after that: it may pass, and {ends}.")
    return passed("hold", "No hold.")


def stopped(facts: Facts) -> GateResult:
    """Only the operator's stop keeps a revert back: holds are there so that nothing rolls forward."""
    stops = [hold for hold in facts.holds if hold.cause is HoldCause.STOP]
    if stops:
        said = f"{_held(stops[0], facts)} (by {stops[0].by}, since {stops[0].since:%Y-%m-%d %H:%M} UTC)."
        return failed("hold", Reason.HOLD, said, stops[0].command_to_lift)
    return passed("hold", "Not stopped by the operator; other holds do not keep a revert back.")


def _held(held: Hold, facts: Facts) -> str:
    what = "Everything is stopped" if held.env is None else f"{facts.plan.stack.env} is on hold"
    return f"{what}: {held.reason.rstrip('. ')}"


def drift(facts: Facts) -> GateResult:
    """Nobody has changed the environment from outside without an explanation."""
    if "drift" in facts.unreadable:
        return unread("drift", Reason.DRIFT, "What changed outside Terraform", facts.unreadable["drift"])
    if facts.drift is None:
        return passed("drift", "Not watched: nobody has looked for changes from outside.")
    if facts.drift:
        named = ", ".join(f"`{address}`" for address in facts.drift[:_MOST_NAMED])
        more = len(facts.drift) - _MOST_NAMED
        sentence = f"Changed outside Terraform: {named}{f' and {more} more' if more > 0 else ''}; this plan does not show it."
        return failed("drift", Reason.DRIFT, sentence, facts.plan_command)
    return passed("drift", "Nothing was changed outside Terraform, or this plan shows it.")
