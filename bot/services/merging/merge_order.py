"""Order the syncs of merges by the dependencies of their projects.

A project is synced after the projects it depends on. Several merges can follow within seconds, for example
from a merge queue, so unfinished syncs of earlier merges count too: the planned tip contains them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bot.domain.core.errors import EarlierMergeError
from bot.domain.core.model import ProjectName, Run, RunKind, RunStatus
from bot.domain.core.run_lifecycle import TERMINAL
from bot.policy import RepoPolicy
from bot.ports import Delivery, Reader
from bot.ports.records.reconciliation import ReconciliationReader

Needs = Mapping[ProjectName, AbstractSet[ProjectName]]
"""Project -> everything that it depends on, directly or not."""
_MOST = 1000
_RECENT = 200
"""Syncs of a repository among which those are that ended since a waiting one was queued."""
_IN_PLACE = frozenset({None, "unchanged", "drift"})
"""Results of a sync whose stack matches the merge; None if the sync applied it."""
_LONGEST_TURN = timedelta(minutes=1)
"""How long a merge waits for an earlier one, whose delivery may be retried for half an hour."""
_ACTIVE = tuple(status for status in RunStatus if status not in TERMINAL)


def needs_of(policy: RepoPolicy) -> Needs:
    """Return what each project depends on."""
    needs: dict[ProjectName, frozenset[ProjectName]] = {}
    for project in policy.projects:  # Each after those that it depends on.
        direct = [ProjectName(name) for name in project.depends_on]
        needs[ProjectName(project.name)] = frozenset(direct).union(*(needs[name] for name in direct))
    return needs


async def earlier_syncs(reader: Reader, run: Run) -> Sequence[Run]:
    """Return the syncs of the environment that may precede this one: same or earlier merges."""
    same = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(RunKind.SYNC,), limit=_MOST)
    recent = await reader.runs(repo=run.stack.repo, kinds=(RunKind.SYNC,), limit=_RECENT)
    active = await reader.runs(repo=run.stack.repo, kinds=(RunKind.SYNC,), statuses=_ACTIVE, limit=_MOST)
    found = {each.id: each for each in (*same, *recent, *active)}
    return [each for each in found.values() if _precedes(each, run)]


async def later_syncs(reader: Reader, run: Run) -> Sequence[Run]:
    """Return the syncs that may have waited for this one, the oldest first."""
    queued = await reader.runs(
        repo=run.stack.repo, kinds=(RunKind.SYNC,), statuses=(RunStatus.QUEUED,), limit=_MOST
    )
    return [each for each in reversed(queued) if _precedes(run, each)]


def _precedes(one: Run, run: Run) -> bool:
    """Whether `run` considers the sync `one`: same environment, same or earlier merge."""
    if one.id == run.id or one.stack.env != run.stack.env:
        return False
    if (one.pull, one.correlation_id) == (run.pull, run.correlation_id):
        return True
    was_at_work = one.finished_at is None or one.finished_at >= run.created_at
    return one.created_at <= run.created_at and was_at_work


async def required_syncs(reader: Reader, run: Run, needs: Needs) -> Sequence[Run]:
    """Return the earlier syncs of the projects that a sync's project depends on."""
    return _before(run, await earlier_syncs(reader, run), needs) if needs.get(run.stack.project) else ()


async def refuse_before_others(reader: ReconciliationReader, delivery: Delivery, now: datetime) -> None:
    """Raise EarlierMergeError while an earlier merge of the repository is not handled.

    Deliveries of different pull requests are handled concurrently, but the syncs of the earlier merge must be
    recorded first.
    """
    if delivery.repo is None:
        return
    for each in await reader.open_reports(delivery.repo, (delivery.event,), limit=_MOST):
        if each.id == delivery.id:
            return
        if each.action == delivery.action and now - each.received_at < _LONGEST_TURN:
            raise EarlierMergeError(f"pull request {each.pull} of {delivery.repo} was merged before this one")


def must_wait(run: Run, others: Iterable[Run], needs: Needs) -> bool:
    """Whether a sync of a project that it depends on has not ended.

    See `earlier_syncs` for the others.
    """
    return any(each.status not in TERMINAL for each in _before(run, others, needs))


def lacks(run: Run, others: Iterable[Run], needs: Needs) -> bool:
    """Whether a project that it depends on could not be synced."""
    return any(not _is_in_place(each) for each in _before(run, others, needs))


def _before(run: Run, others: Iterable[Run], needs: Needs) -> Sequence[Run]:
    wanted = needs.get(run.stack.project, frozenset())
    return [each for each in others if each.stack.project in wanted]


def _is_in_place(sync: Run) -> bool:
    return sync.status is RunStatus.SUCCEEDED and sync.detail.get("sync") in _IN_PLACE
