"""Every experiment, in the order in which an evening plays them: what other experiments would suffer from comes last."""

from __future__ import annotations

from tests.recorder.experiments import access, accounts, checks, heads, merges, reviews
from tests.recorder.model import Experiment

_LAST = ("", "renamed-user", "content-limits")
_ALL = (
    *reviews.EXPERIMENTS,
    *checks.EXPERIMENTS,
    *heads.EXPERIMENTS,
    *access.EXPERIMENTS,
    *merges.EXPERIMENTS,
    *accounts.EXPERIMENTS,
)
EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in sorted(_ALL, key=lambda each: _LAST.index(each.name) if each.name in _LAST else 0)
}
