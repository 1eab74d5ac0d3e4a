"""Changes of a stack that were begun and did not end well: what is in place then is not what is on record."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Run, RunKind, RunStatus, Stack
from bot.domain.release import Release
from bot.domain.revert import Unfinished
from bot.ports import Reader
from bot.services.restore_holds import TOUCHED

CHANGES = (RunKind.APPLY, RunKind.REVERT, RunKind.DESTROY, RunKind.SYNC)
"""Kinds of runs that may leave a state between two releases."""


async def newest_unfinished(reader: Reader, stack: Stack, releases: Sequence[Release]) -> Run | None:
    """Return the newest change of the state, where it was begun, did not end well, and nothing was found in place since.

    `releases` are those of the stack, newest first; one is enough.
    """
    runs = await reader.runs(state_key=stack.state_key, kinds=CHANGES)
    newest = next((run for run in runs if run.intent_at is not None and run.operation is None), None)
    if newest is None or newest.finished_at is None:
        return None
    if newest.status is RunStatus.SUCCEEDED or newest.detail.get("started") is False:
        return None
    return None if releases and releases[0].recorded_at > newest.finished_at else newest


async def unfinished_change(reader: Reader, stack: Stack, releases: Sequence[Release]) -> Unfinished | None:
    """Return what such a change was to do."""
    newest = await newest_unfinished(reader, stack, releases)
    if newest is None:
        return None
    revert = None if newest.plan_id is None else await reader.revert_of(newest.plan_id)
    if revert is None:
        return Unfinished(revert_to=None)
    return Unfinished(revert_to=revert.target, asked_at=revert.asked_at)


async def is_still_there(reader: Reader, stack: Stack, release: Release) -> bool:
    """Whether the newest release of a stack is in place whole: no change ended half-way, and no state was restored, since."""
    if not release.is_whole or await newest_unfinished(reader, stack, (release,)) is not None:
        return False
    restores = await reader.runs(state_key=stack.state_key, kinds=(RunKind.RESTORE,))
    touched = (run for run in restores if run.detail.get("state") in TOUCHED)
    return not any(run.finished_at is None or run.finished_at > release.recorded_at for run in touched)
