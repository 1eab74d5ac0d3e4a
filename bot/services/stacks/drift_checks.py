"""The newest drift checks of a stack."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.core.model import Run, RunKind, RunStatus, Stack
from bot.domain.core.run_lifecycle import ACTIVE
from bot.ports import Reader


async def newest_check(reader: Reader, stack: Stack) -> Run | None:
    """Return the newest check of a stack that succeeded."""
    return next(iter(await _checks(reader, stack, (RunStatus.SUCCEEDED,))), None)


async def running_check(reader: Reader, stack: Stack) -> Run | None:
    """Return the check of a stack that has not ended."""
    return next(iter(await _checks(reader, stack, ACTIVE)), None)


async def _checks(reader: Reader, stack: Stack, statuses: Sequence[RunStatus]) -> Sequence[Run]:
    return await reader.runs(
        repo=stack.repo, state_key=stack.state_key, kinds=(RunKind.DRIFT,), statuses=statuses, limit=1
    )
