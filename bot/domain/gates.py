"""The gates before a change: facts in, results out; nothing is asked twice and nothing stops at the first shut gate.

A fact that could not be read shuts its gate. Codes are stable; they appear in comment headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.approvals import Verdict
from bot.domain.gate_words import applied_sentence, unjudged_sentence
from bot.domain.holds import Hold
from bot.domain.lock_words import held_sentence, opener
from bot.domain.model import PlanStatus, PullRequest, Run, StateIdentity
from bot.domain.owner_words import approved_sentence, missing_sentence
from bot.domain.owner_words import opener as owners_opener
from bot.domain.plan import Lock, PlanRecord
from bot.domain.refusals import Reason


class Outcome(StrEnum):
    """How a gate answers; only PASS opens."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """One row of the gate table."""

    gate: str
    outcome: Outcome
    sentence: str
    reason: Reason | None = None
    """Set when the gate is shut."""
    opens_with: str | None = None
    """The command or the person that would open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the gates judge, read just before they do."""

    plan: PlanRecord
    pull: PullRequest
    now: datetime
    state: StateIdentity
    engine: str
    """`terraform 1.11.4`, as the policy in force names it."""
    lock: Lock | None
    actor_may_apply: bool
    needed_permission: str | None
    """In words, for the sentence; None where the policy lets nobody apply."""
    closed_reason: str | None = None
    """Why the policy's calendar (hold windows, freezes) closes the environment now."""
    holds: Sequence[Hold] = ()
    """The holds in force that reach the plan's environment."""
    required_gates: Sequence[str] = ()
    """Further gates that the environment's policy names."""
    approvals: Verdict | None = None
    """What the code owners say; gathered only where the policy names the gate."""
    applied_by: Run | None = None
    """The run that has applied the plan, where one has."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Gate -> why its facts could not be read."""

    @property
    def plan_command(self) -> str:
        """The command that makes this plan anew."""
        project = "" if self.plan.stack.project == "default" else f" -p {self.plan.stack.project}"
        return f"/plan {self.plan.stack.env}{project}"


def judge(facts: Facts) -> tuple[GateResult, ...]:
    """Return the result of every gate, in the order in which people read them."""
    results = [gate(facts) for gate in _ALWAYS]
    results += [_named(name, facts) for name in facts.required_gates if name not in _BUILT_IN]
    return tuple(results)


def shut(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """Return the gates that do not let the change through."""
    return tuple(result for result in results if result.outcome is not Outcome.PASS)


def _passed(gate: str, sentence: str) -> GateResult:
    return GateResult(gate=gate, outcome=Outcome.PASS, sentence=sentence)


def _failed(gate: str, reason: Reason, sentence: str, opens_with: str | None) -> GateResult:
    return GateResult(
        gate=gate, outcome=Outcome.FAIL, sentence=sentence, reason=reason, opens_with=opens_with
    )


def _head(facts: Facts) -> GateResult:
    if not facts.pull.is_open:
        return _failed("head", Reason.PULL_CLOSED, "The pull request is closed.", "reopen the pull request")
    if facts.pull.head_sha != facts.plan.head_sha:
        return _failed(
            "head",
            Reason.HEAD_MOVED,
            f"The plan is of commit {facts.plan.head_sha[:7]}, the pull request is now at {facts.pull.head_sha[:7]}.",
            facts.plan_command,
        )
    return _passed("head", f"The plan is of the newest commit, {facts.plan.head_sha[:7]}.")


def _plan_fresh(facts: Facts) -> GateResult:
    plan = facts.plan
    if plan.status is PlanStatus.APPLIED:
        said = applied_sentence(plan.id, facts.applied_by, again=facts.plan_command)
        return _failed("plan_fresh", Reason.ALREADY_APPLIED, said, facts.plan_command)
    if plan.status not in {PlanStatus.PLANNED, PlanStatus.NO_CHANGES, PlanStatus.APPLYING}:
        why = f": {plan.status_reason}" if plan.status_reason else ""
        return _failed(
            "plan_fresh", Reason.PLAN_STALE, f"Plan {plan.id} is {plan.status}{why}.", facts.plan_command
        )
    if facts.now >= plan.expires_at:
        return _failed(
            "plan_fresh",
            Reason.PLAN_EXPIRED,
            f"Plan {plan.id} expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC.",
            facts.plan_command,
        )
    return _passed("plan_fresh", f"Plan {plan.id} is current.")


def _state(facts: Facts) -> GateResult:
    plan, state = facts.plan, facts.state
    if plan.status is PlanStatus.APPLIED:
        return _passed("state", "The plan itself has changed the state.")
    if (plan.state_serial, plan.state_lineage) != (state.serial, state.lineage):
        return _failed(
            "state",
            Reason.STATE_MOVED,
            f"The state was at serial {_serial(plan.state_serial)} when this was planned and is now at"
            f" {_serial(state.serial)}.",
            facts.plan_command,
        )
    return _passed("state", f"The state is still at serial {_serial(state.serial)}.")


def _engine(facts: Facts) -> GateResult:
    if facts.plan.engine != facts.engine:
        return _failed(
            "engine",
            Reason.ENGINE_CHANGED,
            f"It was planned with {facts.plan.engine}, the policy now says {facts.engine}.",
            facts.plan_command,
        )
    return _passed("engine", f"Planned with {facts.engine}.")


def _permission(facts: Facts) -> GateResult:
    if facts.needed_permission is None:
        return _failed(
            "permission",
            Reason.PERMISSION,
            f"Nobody may apply {facts.plan.stack.env}: the policy gives it no `apply.allow`.",
            None,
        )
    if not facts.actor_may_apply:
        return _failed(
            "permission",
            Reason.PERMISSION,
            f"Applying {facts.plan.stack.env} needs {facts.needed_permission}.",
            f"ask somebody with {facts.needed_permission}",
        )
    return _passed("permission", f"The requester has {facts.needed_permission}.")


def _lock(facts: Facts) -> GateResult:
    lock = facts.lock
    if lock is not None and (lock.stack.repo, lock.pull) != (facts.plan.stack.repo, facts.pull.number):
        return _failed(
            "lock",
            Reason.LOCKED,
            held_sentence(lock, repo=facts.plan.stack.repo),
            opener(lock, repo=facts.plan.stack.repo),
        )
    return _passed("lock", "Held by this pull request." if lock else "Free.")


def _hold(facts: Facts) -> GateResult:
    if facts.holds:
        first, more = facts.holds[0], len(facts.holds) - 1
        return _failed(
            "hold",
            Reason.HOLD,
            f"{_held(first, facts)} (by {first.by}, since {first.since:%Y-%m-%d %H:%M} UTC)"
            + (f", and {more} more." if more else "."),
            first.command_to_lift,
        )
    if facts.closed_reason is not None:
        return _failed(
            "hold",
            Reason.HOLD,
            f"{facts.plan.stack.env} is closed by the policy's calendar: {facts.closed_reason}",
            "wait for the end of the window, or change the policy",
        )
    return _passed("hold", "No hold.")


def _held(hold: Hold, facts: Facts) -> str:
    what = "Everything is stopped" if hold.env is None else f"{facts.plan.stack.env} is on hold"
    return f"{what}: {hold.reason.rstrip('. ')}"


def _named(name: str, facts: Facts) -> GateResult:
    gate = _NAMED.get(name)
    return _unknown(name) if gate is None else gate(facts)


def _codeowners(facts: Facts) -> GateResult:
    verdict = facts.approvals
    if verdict is None:
        why = facts.unreadable.get("codeowners", "nobody has asked for them")
        return GateResult(
            gate="codeowners",
            outcome=Outcome.ERROR,
            reason=Reason.CODEOWNERS,
            sentence=f"The approvals of code owners could not be read: {why}.",
            opens_with="the same command again, once this can be read",
        )
    if verdict.missing or not verdict.paths:
        return _failed("codeowners", Reason.CODEOWNERS, missing_sentence(verdict), owners_opener(verdict))
    return _passed("codeowners", approved_sentence(verdict))


def _unknown(name: str) -> GateResult:
    return GateResult(
        gate=name,
        outcome=Outcome.ERROR,
        reason=Reason.GATE,
        sentence=unjudged_sentence([name]),
        opens_with="an upgrade of Gatewright, or a policy without this gate",
    )


def _serial(serial: int | None) -> str:
    return "none" if serial is None else str(serial)


_ALWAYS: tuple[Callable[[Facts], GateResult], ...] = (
    _head,
    _plan_fresh,
    _state,
    _engine,
    _permission,
    _lock,
    _hold,
)
_BUILT_IN = frozenset({"head", "plan_fresh", "state", "engine", "permission", "lock", "hold"})
_NAMED: Mapping[str, Callable[[Facts], GateResult]] = {"codeowners": _codeowners}
"""Gates that are judged where an environment's policy names them."""
JUDGED = _BUILT_IN | _NAMED.keys()
"""The gates that this version can judge; a policy that names another one keeps its environment shut."""
