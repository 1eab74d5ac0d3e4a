"""Every gate, in the order in which people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.gates import change, environment, people, plan, promotion
from bot.domain.gates.gate import Gate

GATES: Final[tuple[Gate, ...]] = (
    plan.CONFIG,
    plan.HEAD,
    plan.PLAN_FRESH,
    plan.STATE,
    plan.ENGINE,
    plan.UNDIVERGED,
    change.CHECKS,
    people.PERMISSION,
    people.CODEOWNERS,
    promotion.PROMOTED,
    environment.LOCK,
    environment.HOLD,
    change.RISK,
    environment.DRIFT,
)

RESERVED: Final = ("smoke", "baseline", "trend", "slo", "drill")
"""Names that a policy may contain although no gate has them yet: they stay shut."""


def names(gates: Sequence[Gate] = GATES) -> tuple[str, ...]:
    """Return the names of the gates that this version judges."""
    return tuple(gate.name for gate in gates)


def policy_names(gates: Sequence[Gate] = GATES) -> tuple[str, ...]:
    """Return the names that `apply.gates` of a policy may contain."""
    return (*names(gates), *RESERVED)


def overridable(gates: Sequence[Gate] = GATES) -> tuple[str, ...]:
    """Return the names of the gates that two owners can open with `/override`."""
    return tuple(gate.name for gate in gates if gate.can_be_overridden)
