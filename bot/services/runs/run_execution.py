"""Execute a run: start it once, and record an error as its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from bot.domain.core.errors import GatewrightError
from bot.domain.core.model import Run, RunId
from bot.services.runs.failures import describe, status_of
from bot.services.runs.run_completion import Ending, RunCompletion
from bot.services.runs.run_start import begin, has_begun

_LONGEST_SUMMARY: Final = 500


def failure_of(_: Run, error: GatewrightError) -> Ending:
    """Return the end of a run that failed with this error."""
    return Ending(
        status=status_of(error),
        failure=error.failure_class,
        summary=first_line(error)[:_LONGEST_SUMMARY],
        detail=describe(error),
    )


async def execute(
    completion: RunCompletion,
    run_id: RunId,
    work: Callable[[Run], Awaitable[None]],
    *,
    why: str,
    ended_by: Callable[[Run, GatewrightError], Ending] = failure_of,
) -> None:
    """Start a run, execute it, and record an error as its end.

    Temporary errors are raised for a retry. `why` is the text of the start in the timeline; `ended_by` turns
    an error into an end, or raises it.
    """
    run = await begin(completion.records, run_id, completion.clock, why=why)
    if run is None:
        return
    try:
        await work(run)
    except GatewrightError as error:
        # Once the intent is recorded, an error does not say what changed: the run is explained, or ends as interrupted.
        if error.temporary or await has_begun(completion.records, run_id):
            raise
        ending = ended_by(run, error)
        await completion.end(run, ending.status, ending.failure, ending.summary, ending.detail)


def first_line(error: GatewrightError) -> str:
    """Return the first line of an error's message; the class name if it has no message."""
    return str(error).split("\n", 1)[0] or type(error).__name__
