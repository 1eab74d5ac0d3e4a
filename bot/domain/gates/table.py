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
ALWAYS = frozenset({"config", "head", "plan_fresh", "state", "engine", "permission", "lock", "hold"})
"""Judged before every apply; the others where an environment's policy names them."""
JUDGED = frozenset(_GATES)
"""The gates that this version can judge; a policy that names another one keeps its environment shut."""


def judge(facts: Facts) -> tuple[GateResult, ...]:
    """Return the result of every gate, in the order in which people read them."""
    wanted = ALWAYS | frozenset(facts.required_gates)
    results = [gate(facts) for name, gate in _GATES.items() if name in wanted]
    results += [_unknown(name) for name in facts.required_gates if name not in _GATES]
    return tuple(results)


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
