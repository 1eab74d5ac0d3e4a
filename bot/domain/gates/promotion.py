"""The gate `promoted`: the same release was applied and verified in the environment before."""

from __future__ import annotations

from typing import Final

from bot.domain.core.outcome import Outcome
from bot.domain.core.refusals import Reason
from bot.domain.gates.facts import Facts, Promotion
from bot.domain.gates.gate import Gate, GateResult, When
from bot.domain.plans.fetched import is_current
from bot.domain.releases.release import Release, Verification, is_partial

_MOST_NAMED = 3


def promoted(facts: Facts) -> GateResult:
    """Judge whether the release is applied in `from`, verified there since, and has soaked."""
    known = facts.promotion
    # What was verified is the whole release; a part of it was never tried alone.
    if is_partial(facts.plan.arguments):
        arguments = " ".join(facts.plan.arguments)
        sentence = f"The plan was made with `{arguments}`, so it is not the whole release."
        return PROMOTED.failed(sentence, facts.plan_command)
    if known is None:
        return PROMOTED.unreadable("What was verified before", facts)
    if not is_current(facts.plan.fetched_digest):
        sentence = (
            f"Plan {facts.plan.id} was recorded by an older version, without the modules and providers that were fetched"
            " for it."
        )
        return PROMOTED.failed(sentence, facts.plan_command)
    newest = known.newest
    if newest is not None and newest.inputs_digest == facts.plan.inputs_digest and not newest.is_whole:
        arguments = " ".join(newest.arguments)
        sentence = f"What was applied to {known.source} last is only a part of this release (plan {newest.plan_id}, `{arguments}`)."
        return PROMOTED.failed(sentence, known.plan_command)
    if known.release is None:
        return _not_there(facts, known)
    return _verified(facts, known, known.release)


PROMOTED: Final = Gate(
    name="promoted",
    judge=promoted,
    when=When.PROMOTING,
    can_be_overridden=True,
    reasons=(Reason.PROMOTED,),
    open_when="the same release is applied in `from`, verified there since, and has been for `soak`",
    opened_by="`/apply` or `/smoke` of the environment before; the end of the soak time",
)


def _not_there(facts: Facts, known: Promotion) -> GateResult:
    if known.fetched_otherwise is not None:
        return _fetched_otherwise(facts, known, known.fetched_otherwise)
    there = (
        f"; there is the one of commit {known.newest.head_sha[:7]} (plan {known.newest.plan_id})"
        if known.newest is not None
        else ""
    )
    sentence = f"This release (commit {facts.plan.head_sha[:7]}) was not applied to {known.source}{there}."
    return PROMOTED.failed(sentence, known.plan_command.replace("/plan", "/apply", 1))


def _fetched_otherwise(facts: Facts, known: Promotion, there: Release) -> GateResult:
    if not is_current(there.fetched_digest):
        sentence = (
            f"Release {there.plan_id} of {known.source} was recorded by an older version, without the modules and providers"
            f" that were fetched for it; `{known.plan_command}` without changes verifies it again."
        )
        return PROMOTED.failed(sentence, known.plan_command)
    if there.engine != facts.plan.engine:
        said = f"{known.source} has this release as {there.engine} made it (plan {there.plan_id}), not {facts.plan.engine}."
        return PROMOTED.failed(said, known.plan_command)
    moving = facts.plan.summary.moving_sources[:_MOST_NAMED]
    pin = f" These can move until they are pinned: {'; '.join(moving)}." if moving else ""
    sentence = f"Modules or providers that were fetched differ from those of {known.source} (plan {there.plan_id}).{pin}"
    return PROMOTED.failed(sentence, known.plan_command)


def _verified(facts: Facts, known: Promotion, there: Release) -> GateResult:
    made = known.verification
    if made is None:
        sentence = f"This release is in {known.source} (plan {there.plan_id}), but was not verified there."
        return PROMOTED.failed(sentence, known.smoke_command)
    return _holds(facts, known, made)


def _holds(facts: Facts, known: Promotion, made: Verification) -> GateResult:
    # Where the state has changed, the release must be planned again before checks say anything about it.
    unchanged = (made.state_serial, made.state_lineage) == (known.state.serial, known.state.lineage)
    again = known.smoke_command if unchanged else known.plan_command
    if made.outcome is not Outcome.PASS:
        bad = [check for check in made.checks if check.outcome is not Outcome.PASS]
        said = "; ".join(f"{check.name}: {check.sentence.rstrip('.')}" for check in bad[:_MOST_NAMED])
        sentence = f"The checks in {known.source} ended with {made.outcome}{f' ({said})' if said else ''}."
        return PROMOTED.failed(sentence, known.smoke_command)
    if made.revoked_at is not None:
        sentence = (
            f"The verification in {known.source} is no longer valid: {made.revoked_why or 'it was revoked'}."
        )
        return PROMOTED.failed(sentence, again)
    if not unchanged:
        sentence = (
            f"The state of {known.source} was at serial {made.state_serial} when it was verified and is now at"
            f" {known.state.serial}."
        )
        return PROMOTED.failed(sentence, known.plan_command)
    # Another policy may have other checks.
    if made.policy_digest != facts.policy_digest:
        sentence = f"The policy has changed since {known.source} was verified."
        return PROMOTED.failed(sentence, known.smoke_command)
    since = known.verified_since or made.verified_at
    if facts.now < since + known.soak:
        sentence = f"Verified in {known.source}; it soaks until {since + known.soak:%Y-%m-%d %H:%M} UTC."
        return PROMOTED.waiting(sentence, "wait until then")
    return PROMOTED.passed(
        f"Verified in {known.source} as plan {made.release} at {made.verified_at:%Y-%m-%d %H:%M} UTC.",
    )
