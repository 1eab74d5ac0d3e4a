"""Which stacks of a merge go behind which: a project is brought up to date after those that it depends on, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import ProjectName, Run, RunKind, RunStatus
from bot.policy import RepoPolicy
from bot.ports import Reader

Needs = Mapping[ProjectName, AbstractSet[ProjectName]]
"""Project -> everything that it depends on, directly or not."""
_MOST = 1000
_IN_PLACE = frozenset({None, "unchanged", "drift"})
"""What a sync says of a stack that has what was merged; nothing where it has applied it."""


def needs_of(policy: RepoPolicy) -> Needs:
    """Return what each project depends on."""
    needs: dict[ProjectName, frozenset[ProjectName]] = {}
    for project in policy.projects:  # Each behind those that it depends on.
        direct = [ProjectName(name) for name in project.depends_on]
        needs[ProjectName(project.name)] = frozenset(direct).union(*(needs[name] for name in direct))
    return needs


async def same_merge(reader: Reader, run: Run) -> Sequence[Run]:
    """Return the other syncs of the same merge in the same environment."""
    runs = await reader.runs(repo=run.stack.repo, pull=run.pull, kinds=(RunKind.SYNC,), limit=_MOST)
    mine = (run.correlation_id, run.stack.env)
    return [each for each in runs if (each.correlation_id, each.stack.env) == mine and each.id != run.id]


def must_wait(run: Run, others: Iterable[Run], needs: Needs) -> bool:
    """Whether something that a sync's project depends on is not done yet; `others` are of the same merge."""
    return any(each.status not in TERMINAL for each in _before(run, others, needs))


def lacks(run: Run, others: Iterable[Run], needs: Needs) -> bool:
    """Whether something that a sync's project depends on could not be brought into place."""
    return any(not _is_in_place(each) for each in _before(run, others, needs))


def _before(run: Run, others: Iterable[Run], needs: Needs) -> Sequence[Run]:
    wanted = needs.get(run.stack.project, frozenset())
    return [each for each in others if each.stack.project in wanted]


def _is_in_place(sync: Run) -> bool:
    return sync.status is RunStatus.SUCCEEDED and sync.detail.get("sync") in _IN_PLACE
