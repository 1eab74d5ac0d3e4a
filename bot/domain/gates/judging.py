"""Judge all gates of an environment, and report every shut one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.core.outcome import Outcome
from bot.domain.core.refusals import Reason
from bot.domain.gates.environment import HOLD
from bot.domain.gates.facts import Facts
from bot.domain.gates.gate import Gate, GateResult, When
from bot.domain.gates.table import GATES, names


def judged(required: Iterable[str], gates: Sequence[Gate] = GATES) -> tuple[Gate, ...]:
    """Return the gates of an environment whose policy requires `required`, in their order."""
    wanted = frozenset(required)
    return tuple(gate for gate in gates if gate.when is When.ALWAYS or gate.name in wanted)


def judge(facts: Facts, gates: Sequence[Gate] = GATES) -> tuple[GateResult, ...]:
    """Return the result of every gate of the environment, in their order."""
    asked = judged(facts.required_gates, gates)
    if facts.plan.reverts_to is not None:
        return tuple(gate.revert(facts) for gate in asked if gate.revert is not None)
    known = names(gates)
    unknown = [name for name in facts.required_gates if name not in known]
    return (*(gate.judge(facts) for gate in asked), *(_unknown(name) for name in unknown))


def waived(facts: Facts, gates: Sequence[Gate] = GATES) -> tuple[str, ...]:
    """Return the gates that a revert skips, and the holds that it ignores with their reason."""
    if facts.plan.reverts_to is None:
        return ()
    asked = judged(facts.required_gates, gates)
    kept = {gate.name for gate in asked if gate.revert is not None}
    found = (*names(asked), *facts.required_gates)
    holds = [HOLD.judge(facts).sentence] if facts.holds or facts.closed_reason else []
    return (
        *(name for name in dict.fromkeys(found) if name not in kept),
        *(f"hold: {said}" for said in holds),
    )


def shut(results: Sequence[GateResult]) -> tuple[GateResult, ...]:
    """Return the gates that do not let the change through."""
    return tuple(result for result in results if result.outcome is not Outcome.PASS)


def unjudged_sentence(unknown: Sequence[str]) -> str:
    """Return that nothing can open these gates in this version."""
    if len(unknown) == 1:
        return f"The policy asks for the gate {unknown[0]}, which this version cannot judge; it stays shut."
    listed = f"{', '.join(unknown[:-1])} and {unknown[-1]}"
    return f"The policy asks for the gates {listed}, which this version cannot judge; they stay shut."


def _unknown(name: str) -> GateResult:
    return GateResult(
        gate=name,
        outcome=Outcome.ERROR,
        reason=Reason.GATE,
        sentence=unjudged_sentence([name]),
        opens_with="an upgrade of Gatewright, or a policy without this gate",
    )
