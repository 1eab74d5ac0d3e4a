"""The gates before a change: facts in, results out, by pure functions.

`table` lists them. A fact that could not be read shuts its gate. Names and codes are stable.
"""

from __future__ import annotations

from bot.domain.core.outcome import Outcome
from bot.domain.gates.facts import Divergence, Facts, OtherCheck, Promotion, RiskLimits
from bot.domain.gates.gate import Gate, GateResult, When
from bot.domain.gates.judging import judge, judged, shut, waived
from bot.domain.gates.table import GATES, names, overridable, policy_names

__all__ = [
    "GATES",
    "Divergence",
    "Facts",
    "Gate",
    "GateResult",
    "OtherCheck",
    "Outcome",
    "Promotion",
    "RiskLimits",
    "When",
    "judge",
    "judged",
    "names",
    "overridable",
    "policy_names",
    "shut",
    "waived",
]
