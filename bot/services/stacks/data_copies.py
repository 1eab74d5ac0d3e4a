"""Runs that copy data into an environment, or change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.domain.core.model import Run, RunKind, RunStatus, Stack
from bot.ports import Reader

_AT_WORK: Final = (RunStatus.PREPARING, RunStatus.RUNNING)
"""A run records this status before it looks for others, so of two, at least one is noticed."""
_LOOKED_AT: Final = 20
"""Newest refreshes among which the last one that had its turn is looked for."""


async def copying(reader: Reader, stack: Stack) -> Run | None:
    """Return the run that copies data into the environment of a stack, on another stack of it.

    A copy and a change of the same stack are executed one after the other anyway.
    """
    found = await running_of_kind(reader, stack, (RunKind.DATA_REFRESH,))
    return None if found is None or found.stack.state_key == stack.state_key else found


async def running_of_kind(reader: Reader, stack: Stack, kinds: Sequence[RunKind]) -> Run | None:
    """Return a run of these kinds that is being executed in the environment of a stack."""
    runs = await reader.runs(repo=stack.repo, kinds=kinds, statuses=_AT_WORK)
    return next((run for run in runs if run.stack.env == stack.env), None)


async def refreshes(reader: Reader, stack: Stack) -> Sequence[Run]:
    """Return the newest refreshes of a stack, the newest first."""
    return await reader.runs(
        repo=stack.repo, state_key=stack.state_key, kinds=(RunKind.DATA_REFRESH,), limit=_LOOKED_AT
    )
