"""Runs that have ended, which nothing changes any more."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.domain.core.model import Run, RunId
from bot.domain.core.run_lifecycle import TERMINAL

_MOST: Final = 64
"""A run is only read often while its report is written."""


class EndedRuns:
    """Caches ended runs; later cancel requests are not visible in it."""

    def __init__(self) -> None:
        self._runs: OrderedDict[RunId, Run] = OrderedDict()

    def get(self, id: RunId) -> Run | None:
        """Return a run, None where it is not known to have ended."""
        return self._runs.get(id)

    def add(self, run: Run) -> None:
        """Remember a run if it has ended."""
        if run.status not in TERMINAL:
            return
        self._runs[run.id] = run
        self._runs.move_to_end(run.id)
        if len(self._runs) > _MOST:
            self._runs.popitem(last=False)
