"""Identifiers that people read and type."""

from __future__ import annotations

import secrets
from datetime import datetime

from bot.domain.core.model import PlanId, RunId

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without the letters and digits that are mistaken for one another."""


def new_run_id(now: datetime) -> RunId:
    """Return `r`, nine characters of the time in milliseconds (sortable), and six random ones."""
    return RunId(f"r{_encode(int(now.timestamp() * 1000), 9)}{_random(6)}")


def new_plan_id() -> PlanId:
    """Return `p` and seven random characters: 34 thousand million of them."""
    return PlanId(f"p{_random(7)}")


def _encode(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
