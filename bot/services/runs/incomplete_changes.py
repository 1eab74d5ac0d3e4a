"""Find changes that started and failed, so that the state may match no release."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.core.model import Run, RunKind, RunStatus, Stack
from bot.domain.core.run_kinds import RESOURCE_CHANGES
from bot.domain.releases.release import Release
from bot.domain.releases.revert import Unfinished
from bot.ports import Reader
from bot.services.freezes.restore_freezes import TOUCHED


async def newest_unfinished(reader: Reader, stack: Stack, releases: Sequence[Release]) -> Run | None:
    """Return the newest change that started and failed, unless a later release was recorded.

    `releases` are those of the stack, newest first; the newest is enough.
    """
    runs = await reader.runs(state_key=stack.state_key, kinds=RESOURCE_CHANGES)
    newest = next((run for run in runs if run.intent_at is not None and run.operation is None), None)
    if newest is None or newest.finished_at is None:
        return None
    if newest.status is RunStatus.SUCCEEDED or newest.detail.get("started") is False:
        return None
    return None if releases and releases[0].recorded_at > newest.finished_at else newest


async def unfinished_change(reader: Reader, stack: Stack, releases: Sequence[Release]) -> Unfinished | None:
    """Return what the unfinished change was meant to do."""
    newest = await newest_unfinished(reader, stack, releases)
    if newest is None:
        return None
    revert = None if newest.plan_id is None else await reader.revert_of(newest.plan_id)
    if revert is None:
        return Unfinished(revert_to=None)
    return Unfinished(revert_to=revert.target, asked_at=revert.asked_at)


async def is_still_in_place(reader: Reader, stack: Stack, release: Release) -> bool:
    """Whether the release is still fully in place: no failed change or restore since."""
    if not release.is_whole or await newest_unfinished(reader, stack, (release,)) is not None:
        return False
    restores = await reader.runs(state_key=stack.state_key, kinds=(RunKind.RESTORE,))
    touched = (run for run in restores if run.detail.get("state") in TOUCHED)
    return not any(run.finished_at is None or run.finished_at > release.recorded_at for run in touched)
