"""Rules of environments that live as long as their pull request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Run, RunKind, RunStatus

CHANGES = (RunKind.APPLY, RunKind.DESTROY)
MOST_DESTROYS = 3
"""How often a destroy that fails is tried before a person has to ask for it."""
_WORTH_ANOTHER = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.INTERRUPTED})


def is_standing(changes: Sequence[Run]) -> bool:
    """Whether something of these may exist; `changes` are a pull request's applies and destroys, newest first."""
    begun = next((run for run in changes if run.intent_at is not None), None)
    return begun is not None and (
        begun.kind is not RunKind.DESTROY or begun.status is not RunStatus.SUCCEEDED
    )


def failed_destroys(changes: Sequence[Run]) -> int:
    """Return how many destroys have failed since the last thing that was not one; newest first."""
    count = 0
    for run in changes:
        if run.kind is not RunKind.DESTROY or run.status not in _WORTH_ANOTHER:
            break
        count += 1
    return count


def destroy_again_at(changes: Sequence[Run], wait: timedelta) -> datetime | None:
    """Return when a failed destroy is tried again, later after each failure; None when that is up to a person."""
    failures = failed_destroys(changes)
    if not 0 < failures < MOST_DESTROYS or changes[0].finished_at is None:
        return None
    return changes[0].finished_at + wait * failures


def idle_since(held_since: datetime, runs: Sequence[Run]) -> datetime | None:
    """Return since when nothing has happened; None while something is at work. `runs` are the holder's, newest first."""
    if any(run.status not in TERMINAL for run in runs):
        return None
    return max([held_since, *(run.finished_at or run.created_at for run in runs[:1])])
