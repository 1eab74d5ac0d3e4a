"""Gates about the plan: whether the same one would be made now."""

from __future__ import annotations

from typing import Final

from bot.domain.core.heads import is_of_head
from bot.domain.core.model import PlanId, PlanStatus, Run
from bot.domain.core.refusals import Reason
from bot.domain.gates.facts import Facts
from bot.domain.gates.gate import Gate, GateResult, When

_CURRENT = frozenset({PlanStatus.PLANNED, PlanStatus.NO_CHANGES, PlanStatus.APPLYING})


def config(facts: Facts) -> GateResult:
    """Judge whether the plan was made under the policy in force."""
    planned, now = facts.plan.stack, facts.stack
    if now is None:
        sentence = f"The policy has no stack {planned.label} any more."
        return CONFIG.failed(sentence, "a policy with this stack")
    # The digest below would differ as well; naming what moved says more.
    for what, before, after in (
        ("state key", planned.state_key, now.state_key),
        ("directory", planned.directory, now.directory),
        ("var file", planned.var_file, now.var_file),
    ):
        if before != after:
            sentence = (
                f"The {what} of {planned.label} was `{before}` when this was planned and is now `{after}`."
            )
            return CONFIG.failed(sentence, facts.plan_command)
    if facts.plan.policy_digest != facts.policy_digest:
        sentence = "The policy on the default branch has changed since this was planned."
        return CONFIG.failed(sentence, facts.plan_command)
    return CONFIG.passed("The policy is the one under which this was planned.")


CONFIG: Final = Gate(
    name="config",
    judge=config,
    when=When.ALWAYS,
    revert=config,
    can_be_overridden=False,
    reasons=(Reason.CONFIG,),
    open_when="the plan was made under the policy that is in force",
    opened_by="a new plan",
)


def head(facts: Facts) -> GateResult:
    """Judge whether the pull request is open, into a served branch, at the planned commit."""
    if not facts.pull.is_open:
        # What is merged cannot be reopened.
        way = "another pull request" if facts.pull.merged else "reopen the pull request"
        return HEAD.failed("The pull request is closed.", way, reason=Reason.PULL_CLOSED)
    # The pull request may have been retargeted, or the policy may have dropped the branch, since the plan.
    if not facts.is_base_served:
        sentence = f"{facts.pull.base_ref} is no branch whose pull requests the policy serves."
        return HEAD.failed(sentence, "another base of the pull request", reason=Reason.BASE)
    if not is_of_head(facts.plan, facts.pull):
        planned, now = facts.plan.head_sha[:7], facts.pull.head_sha[:7]
        sentence = f"The plan is of commit {planned}, the pull request is now at {now}."
        return HEAD.failed(sentence, facts.plan_command)
    return HEAD.passed(f"The plan is of the newest commit, {facts.plan.head_sha[:7]}.")


HEAD: Final = Gate(
    name="head",
    judge=head,
    when=When.ALWAYS,
    can_be_overridden=False,
    reasons=(Reason.HEAD_MOVED, Reason.PULL_CLOSED, Reason.BASE),
    open_when="the pull request is open, into a branch that is served, and has no newer commit than the plan",
    opened_by="a new plan; for a closed pull request, reopening it",
)


def plan_fresh(facts: Facts) -> GateResult:
    """Judge whether the plan is neither applied nor replaced nor expired."""
    plan = facts.plan
    if plan.status is PlanStatus.APPLIED:
        said = _applied_sentence(plan.id, facts.applied_by, again=facts.plan_command)
        return PLAN_FRESH.failed(said, facts.plan_command, reason=Reason.ALREADY_APPLIED)
    if plan.status not in _CURRENT:
        why = f": {plan.status_reason}" if plan.status_reason else ""
        return PLAN_FRESH.failed(f"Plan {plan.id} is {plan.status}{why}.", facts.plan_command)
    if facts.now >= plan.expires_at:
        sentence = f"Plan {plan.id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC."
        return PLAN_FRESH.failed(sentence, facts.plan_command, reason=Reason.PLAN_EXPIRED)
    return PLAN_FRESH.passed(f"Plan {plan.id} is current.")


PLAN_FRESH: Final = Gate(
    name="plan_fresh",
    judge=plan_fresh,
    when=When.ALWAYS,
    revert=plan_fresh,
    can_be_overridden=False,
    # The run itself compares the stored plan with its digest, and refuses under this gate's name.
    reasons=(Reason.PLAN_STALE, Reason.PLAN_EXPIRED, Reason.ALREADY_APPLIED, Reason.INTEGRITY),
    open_when="the plan is not stale, expired or applied already, and is identical to the reviewed one",
    opened_by="a new plan",
)


def state(facts: Facts) -> GateResult:
    """Judge whether the state is the one that the plan was made against."""
    plan, now = facts.plan, facts.state
    if plan.status is PlanStatus.APPLIED:
        # `plan_fresh` refuses it already, and the serial differs because of the plan's own apply.
        return STATE.passed("The plan itself has changed the state.")
    if (plan.state_serial, plan.state_lineage) != (now.serial, now.lineage):
        was, is_now = _known(plan.state_serial), _known(now.serial)
        sentence = f"There was {was} when this was planned, and now there is {is_now}."
        return STATE.failed(sentence, facts.plan_command)
    return STATE.passed(f"There is still {_known(now.serial)}.")


STATE: Final = Gate(
    name="state",
    judge=state,
    when=When.ALWAYS,
    revert=state,
    can_be_overridden=False,
    reasons=(Reason.STATE_MOVED,),
    open_when="the state has not changed since the plan",
    opened_by="a new plan",
)


def engine(facts: Facts) -> GateResult:
    """Judge whether the policy still names the engine and version that made the plan."""
    if facts.plan.engine != facts.engine:
        sentence = f"It was planned with {facts.plan.engine}, the policy now says {facts.engine}."
        return ENGINE.failed(sentence, facts.plan_command)
    return ENGINE.passed(f"Planned with {facts.engine}.")


ENGINE: Final = Gate(
    name="engine",
    judge=engine,
    when=When.ALWAYS,
    revert=engine,
    can_be_overridden=False,
    # A run that finds other providers than the release had refuses under this gate's name.
    reasons=(Reason.ENGINE_CHANGED, Reason.PROVIDERS_CHANGED),
    open_when="the policy still names the engine and version that made the plan",
    opened_by="a new plan",
)


def undiverged(facts: Facts) -> GateResult:
    """Judge whether the inputs and the var file are the same on the tip of the base."""
    plan, now = facts.plan, facts.divergence
    if now is None:
        return UNDIVERGED.unreadable("The base's tip", facts)
    if now.inputs_digest is None:
        sentence = f"The pull request does not merge into the base's tip, {now.base[:7]}, any more."
        return UNDIVERGED.failed(sentence, "a push that resolves the conflict")
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
        return UNDIVERGED.failed(sentence, facts.plan_command)
    return UNDIVERGED.passed(f"No changes to this stack on the base ({now.base[:7]}) since the plan.")


UNDIVERGED: Final = Gate(
    name="undiverged",
    judge=undiverged,
    when=When.NAMED,
    can_be_overridden=True,
    reasons=(Reason.UNDIVERGED,),
    open_when="the stack's inputs and its var file are the same on the tip of the base",
    opened_by="a new plan; for a conflict, a push that resolves it",
)


def _applied_sentence(plan: PlanId, run: Run | None, *, again: str) -> str:
    """Return when and by whom a plan was applied; `again` is the command that makes a new one."""
    by = f" by {run.actor}" if run is not None else ""
    at = (
        f" on {run.finished_at:%Y-%m-%d %H:%M} UTC" if run is not None and run.finished_at is not None else ""
    )
    return f"Plan {plan} was applied{by}{at}, and a plan is applied once; `{again}` makes a new one."


def _known(serial: int | None) -> str:
    return "no state" if serial is None else f"a state with serial {serial}"
