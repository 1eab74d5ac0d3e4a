"""Gates about the plan: is it still the one that would be made now."""

from __future__ import annotations

from bot.domain.gate_words import applied_sentence
from bot.domain.gates.facts import Facts
from bot.domain.gates.result import GateResult, failed, passed, unread
from bot.domain.model import PlanStatus
from bot.domain.refusals import Reason

_CURRENT = frozenset({PlanStatus.PLANNED, PlanStatus.NO_CHANGES, PlanStatus.APPLYING})


def config(facts: Facts) -> GateResult:
    """The policy in force is the one under which the plan was made."""
    planned, now = facts.plan.stack, facts.stack
    if now is None:
        sentence = f"The policy has no stack {planned.label} any more."
        return failed("config", Reason.CONFIG, sentence, "a policy with this stack")
    for what, before, after in (
        ("state key", planned.state_key, now.state_key),
        ("directory", planned.directory, now.directory),
        ("var file", planned.var_file, now.var_file),
    ):
        if before != after:
            sentence = (
                f"The {what} of {planned.label} was `{before}` when this was planned and is now `{after}`."
            )
            return failed("config", Reason.CONFIG, sentence, facts.plan_command)
    if facts.plan.policy_digest != facts.policy_digest:
        sentence = "The policy on the default branch has changed since this was planned."
        return failed("config", Reason.CONFIG, sentence, facts.plan_command)
    return passed("config", "The policy is the one under which this was planned.")


def head(facts: Facts) -> GateResult:
    """The pull request is open, for a branch that is served, and at the commit that was planned."""
    if not facts.pull.is_open:
        # What is merged cannot be reopened.
        way = "another pull request" if facts.pull.merged else "reopen the pull request"
        return failed("head", Reason.PULL_CLOSED, "The pull request is closed.", way)
    if not facts.is_base_served:
        sentence = f"{facts.pull.base_ref} is no branch whose pull requests the policy serves."
        return failed("head", Reason.BASE, sentence, "another base of the pull request")
    if facts.pull.head_sha != facts.plan.head_sha:
        return failed(
            "head",
            Reason.HEAD_MOVED,
            f"The plan is of commit {facts.plan.head_sha[:7]}, the pull request is now at {facts.pull.head_sha[:7]}.",
            facts.plan_command,
        )
    return passed("head", f"The plan is of the newest commit, {facts.plan.head_sha[:7]}.")


def plan_fresh(facts: Facts) -> GateResult:
    """The plan was neither applied nor replaced, and has not expired."""
    plan = facts.plan
    if plan.status is PlanStatus.APPLIED:
        said = applied_sentence(plan.id, facts.applied_by, again=facts.plan_command)
        return failed("plan_fresh", Reason.ALREADY_APPLIED, said, facts.plan_command)
    if plan.status not in _CURRENT:
        why = f": {plan.status_reason}" if plan.status_reason else ""
        return failed(
            "plan_fresh", Reason.PLAN_STALE, f"Plan {plan.id} is {plan.status}{why}.", facts.plan_command
        )
    if facts.now >= plan.expires_at:
        return failed(
            "plan_fresh",
            Reason.PLAN_EXPIRED,
            f"Plan {plan.id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC.",
            facts.plan_command,
        )
    return passed("plan_fresh", f"Plan {plan.id} is current.")


def state(facts: Facts) -> GateResult:
    """The state is the one that was planned against."""
    plan, now = facts.plan, facts.state
    if plan.status is PlanStatus.APPLIED:
        return passed("state", "The plan itself has changed the state.")
    if (plan.state_serial, plan.state_lineage) != (now.serial, now.lineage):
        return failed(
            "state",
            Reason.STATE_MOVED,
            f"There was {_known(plan.state_serial)} when this was planned, and now there is {_known(now.serial)}.",
            facts.plan_command,
        )
    return passed("state", f"There is still {_known(now.serial)}.")


def engine(facts: Facts) -> GateResult:
    """The plan was made with the program that the policy names."""
    if facts.plan.engine != facts.engine:
        return failed(
            "engine",
            Reason.ENGINE_CHANGED,
            f"It was planned with {facts.plan.engine}, the policy now says {facts.engine}.",
            facts.plan_command,
        )
    return passed("engine", f"Planned with {facts.engine}.")


def undiverged(facts: Facts) -> GateResult:
    """What the plan was made of is what the base's tip and the pull request give now."""
    plan, now = facts.plan, facts.divergence
    if now is None:
        why = facts.unreadable.get("undiverged")
        return unread("undiverged", Reason.UNDIVERGED, "The base's tip", why)
    if now.inputs_digest is None:
        sentence = f"The pull request does not merge into the base's tip, {now.base[:7]}, any more."
        return failed("undiverged", Reason.UNDIVERGED, sentence, "a push that resolves the conflict")
    moved = [
        what
        for what, before, after in (
            ("what the stack is made of", plan.inputs_digest, now.inputs_digest),
            (f"`{plan.stack.var_file}`", plan.var_file_digest, now.var_file_digest),
        )
        if before != after
    ]
    if moved:
        sentence = f"The base has moved to {now.base[:7]}, which changes {' and '.join(moved)}."
        return failed("undiverged", Reason.UNDIVERGED, sentence, facts.plan_command)
    return passed("undiverged", f"The base's tip, {now.base[:7]}, changes nothing of this stack.")


def _known(serial: int | None) -> str:
    return "no state" if serial is None else f"a state with serial {serial}"
