"""The gates before a change: facts in, results out; nothing is asked twice and nothing stops at the first shut gate.

A fact that could not be read shuts its gate. Codes are stable; they appear in comment headers.
"""

from __future__ import annotations

from bot.domain.gates.facts import Divergence, Facts, OtherCheck, Promotion, RiskLimits
from bot.domain.gates.result import GateResult
from bot.domain.gates.table import JUDGED, judge, shut, waived
from bot.domain.outcome import Outcome

__all__ = [
    "JUDGED",
    "Divergence",
    "Facts",
    "GateResult",
    "OtherCheck",
    "Outcome",
    "Promotion",
    "RiskLimits",
    "judge",
    "shut",
    "waived",
]
