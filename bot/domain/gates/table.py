"""Every gate in the order in which people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.domain.gate_words import unjudged_sentence
from bot.domain.gates import change, environment, people, plan, promotion
from bot.domain.gates.facts import Facts
from bot.domain.gates.result import GateResult
from bot.domain.outcome import Outcome
from bot.domain.refusals import Reason

_GATES: Mapping[str, Callable[[Facts], GateResult]] = {
    "config": plan.config,
    "head": plan.head,
    "plan_fresh": plan.plan_fresh,
    "state": plan.state,
    "engine": plan.engine,
    "undiverged": plan.undiverged,
    "checks": change.checks,
    "permission": people.permission,
    "codeowners": people.codeowners,
    "promoted": promotion.promoted,
    "lock": environment.lock,
    "hold": environment.hold,
    "risk": change.risk,
    "drift": environment.drift,
}
_FOR_REVERTS: Mapping[str, Callable[[Facts], GateResult]] = {
    "config": plan.config,
    "plan_fresh": plan.plan_fresh,
    "state": plan.state,
    "engine": plan.engine,
    "permission": people.permission,
    "codeowners": people.responsible,
    "lock": environment.lock,
    "hold": environment.stopped,
    "risk": change.risk,
}
"""What is asked of a revert; all others are waived, since waiting for them would keep what is broken in place."""
ALWAYS = frozenset({"config", "head", "plan_fresh", "state", "engine", "permission", "lock", "hold"})
"""Judged before every apply; the others where an environment's policy names them."""
JUDGED = frozenset(_GATES)
"""The gates that this version can judge; a policy that names another one keeps its environment shut."""


def judge(facts: Facts) -> tuple[GateResult, ...]:
    """Return the result of every gate, in the order in which people read them."""
    wanted = ALWAYS | frozenset(facts.required_gates)
    if facts.plan.reverts_to is not None:
        return tuple(gate(facts) for name, gate in _FOR_REVERTS.items() if name in wanted)
    results = [gate(facts) for name, gate in _GATES.items() if name in wanted]
    results += [_unknown(name) for name in facts.required_gates if name not in _GATES]
    return tuple(results)


def waived(facts: Facts) -> tuple[str, ...]:
    """Return what a revert is not asked for although another change would be; a hold with its reason."""
    if facts.plan.reverts_to is None:
        return ()
    wanted = ALWAYS | frozenset(facts.required_gates)
    names = [name for name in (*_GATES, *facts.required_gates) if name in wanted - _FOR_REVERTS.keys()]
    holds = [environment.hold(facts).sentence] if facts.holds or facts.closed_reason else []
    return (*dict.fromkeys(names), *(f"hold: {said}" for said in holds))


def shut(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """Return the gates that do not let the change through."""
    return tuple(result for result in results if result.outcome is not Outcome.PASS)


def _unknown(name: str) -> GateResult:
    return GateResult(
        gate=name,
        outcome=Outcome.ERROR,
        reason=Reason.GATE,
        sentence=unjudged_sentence([name]),
        opens_with="an upgrade of Gatewright, or a policy without this gate",
    )
