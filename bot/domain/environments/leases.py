"""Rules of environments that exist as long as their pull request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.core.model import Run, RunKind, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL

MOST_DESTROYS = 3
"""Number of automatic attempts to destroy an environment, before a person must request it."""
_WORTH_ANOTHER = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED})


def may_exist(changes: Sequence[Run]) -> bool:
    """Whether some of the resources may exist.

    `changes` are a pull request's applies and destroys, newest first.
    """
    begun = next((run for run in changes if run.intent_at is not None), None)
    return begun is not None and (
        begun.kind is not RunKind.DESTROY or begun.status is not RunStatus.SUCCEEDED
    )


def failed_destroys(changes: Sequence[Run]) -> int:
    """Return how many destroys have failed in a row up to now; `changes` are newest first."""
    count = 0
    for run in changes:
        if run.kind is not RunKind.DESTROY or run.status not in _WORTH_ANOTHER:
            break
        count += 1
    return count


def destroy_again_at(changes: Sequence[Run], wait: timedelta) -> datetime | None:
    """Return when a failed destroy is retried, later after each failure; None for manual only."""
    failures = failed_destroys(changes)
    if not 0 < failures < MOST_DESTROYS or changes[0].finished_at is None:
        return None
    return changes[0].finished_at + wait * failures


def idle_since(held_since: datetime, runs: Sequence[Run]) -> datetime | None:
    """Return since when the environment is idle; None during a run. `runs` are newest first."""
    if any(run.status not in TERMINAL for run in runs):
        return None
    return max([held_since, *(run.finished_at or run.created_at for run in runs[:1])])
