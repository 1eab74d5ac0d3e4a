"""What GitHub does with check runs and suites by its own rules."""

from collections.abc import Iterable, Sequence

from bot.playground.github.hub import Hub
from bot.playground.github.records.checks import CheckRun
from bot.playground.github.records.times import stamp

# "If a check run is in an incomplete state for more than 14 days, GitHub will automatically change the check run's
# conclusion to stale" (developer.github.com/changes/2020-02-03-stale-conclusion; "Using the REST API to interact with
# checks").
STALE_AFTER = 14 * 24 * 3600
GREEN = frozenset({"success", "neutral", "skipped"})
_GRAVEST_FIRST = (
    "failure",
    "timed_out",
    "action_required",
    "cancelled",
    "stale",
    "success",
    "neutral",
    "skipped",
)


def latest(runs: Iterable[CheckRun]) -> list[CheckRun]:
    """The newest run of each name: the one that pages, `filter=latest` and required checks see."""
    newest: dict[str, CheckRun] = {}
    for run in runs:
        if run.name not in newest or newest[run.name].id < run.id:
            newest[run.name] = run
    return list(newest.values())


def become_stale(hub: Hub, runs: Iterable[CheckRun]) -> list[CheckRun]:
    """Complete what has been incomplete for too long; return what became stale now."""
    now = hub.clock()
    old = [
        run
        for run in runs
        if run.status != "completed" and run.created_at is not None and now - run.created_at > STALE_AFTER
    ]
    for run in old:
        run.status, run.conclusion, run.completed_at = "completed", "stale", stamp(now)
    if old:
        hub.state.changed()
    return old


def suite_state(runs: Sequence[CheckRun]) -> tuple[str, str | None]:
    """Status and conclusion of a suite from its runs.

    One without runs stays `queued`, for ever if the App makes none (nikku/merge-me#7). When a run or the suite is
    re-requested, "the status of the check suite it belongs to is reset to `queued` and the conclusion is cleared"
    (REST, "Rerequest a check run"), while "the check run itself is not updated": it waits for a new one.
    """
    newest = latest(runs)
    if not newest or any(run.rerequested for run in newest):
        return "queued", None
    states = {run.status for run in newest}
    if states != {"completed"}:
        return ("in_progress" if "in_progress" in states or "completed" in states else "queued"), None
    # "The check suite reports the highest priority check run conclusion" (the same guide).
    found = {run.conclusion for run in newest}
    return "completed", next((each for each in _GRAVEST_FIRST if each in found), "failure")
