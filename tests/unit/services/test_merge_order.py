from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.domain.core.model import EnvName, ProjectName, Run, RunId, RunKind, RunStatus
from bot.services.merging.merge_order import earlier_syncs, lacks, later_syncs, must_wait, required_syncs
from tests.fakes.records.builders import NOON, run, stack

NET, DB, APP, OTHER = (ProjectName(name) for name in ("net", "db", "app", "other"))
NEEDS = {NET: frozenset[ProjectName](), DB: frozenset({NET}), APP: frozenset({NET, DB})}


def sync(project: ProjectName, status: RunStatus = RunStatus.SUCCEEDED, **detail: Any) -> Run:
    return run(kind=RunKind.SYNC, stack=stack(project=project), status=status, detail=detail)


@pytest.mark.parametrize(
    ("others", "waits", "is_blocked"),
    [
        pytest.param([], False, False, id="nothing else was merged"),
        pytest.param([sync(NET), sync(DB)], False, False, id="all applied"),
        pytest.param([sync(NET, sync="unchanged"), sync(DB)], False, False, id="one unchanged"),
        pytest.param([sync(NET, sync="drift")], False, False, id="one has drifted"),
        pytest.param([sync(NET), sync(DB, RunStatus.QUEUED)], True, True, id="one waits"),
        pytest.param([sync(NET, RunStatus.RUNNING)], True, True, id="one is at work"),
        pytest.param([sync(NET, RunStatus.FAILED)], False, True, id="one failed"),
        pytest.param([sync(NET, RunStatus.INTERRUPTED)], False, True, id="one was interrupted"),
        pytest.param([sync(DB, sync="differs")], False, True, id="one is not what was reviewed"),
        pytest.param([sync(DB, sync="blocked")], False, True, id="one is blocked itself"),
        pytest.param(
            [sync(OTHER, RunStatus.FAILED)], False, False, id="one that it does not depend on failed"
        ),
    ],
)
def test_a_project_is_synced_after_its_dependencies(
    others: list[Run], *, waits: bool, is_blocked: bool
) -> None:
    mine = sync(APP, RunStatus.QUEUED)

    assert (must_wait(mine, others, NEEDS), lacks(mine, others, NEEDS)) == (waits, is_blocked)


def test_where_nothing_depends_on_anything_nobody_waits() -> None:
    others = [sync(NET, RunStatus.FAILED), sync(DB, RunStatus.RUNNING)]

    assert not must_wait(sync(APP), others, {})
    assert not lacks(sync(APP), others, {})


@dataclass
class Runs:
    """The syncs of a repository, the newest first."""

    every: Sequence[Run]

    async def runs(
        self,
        *,
        repo: str,
        pull: int | None = None,
        statuses: Sequence[RunStatus] = (),
        **_: object,
    ) -> Sequence[Run]:
        assert repo == "acme/infra"
        return [
            each
            for each in self.every
            if pull in {None, each.pull} and (not statuses or each.status in statuses)
        ]


def merged(
    pull: int, project: ProjectName, *, minute: int, ended: int | None = None, env: str = "staging"
) -> Run:
    """Return the sync of a merge, queued and ended at a minute after noon."""
    status = RunStatus.QUEUED if ended is None else RunStatus.SUCCEEDED
    made = sync(project, status)
    return replace(
        made,
        id=RunId(f"r{pull}{project}{env}"),
        pull=pull,
        correlation_id=f"merge of {pull}",
        stack=replace(made.stack, env=EnvName(env)),
        created_at=NOON + timedelta(minutes=minute),
        finished_at=None if ended is None else NOON + timedelta(minutes=ended),
    )


@pytest.mark.parametrize(
    ("other", "first"),
    [
        pytest.param(merged(8, NET, minute=5), True, id="of an earlier merge, not begun"),
        pytest.param(merged(8, NET, minute=10), True, id="of the same push of the queue"),
        pytest.param(merged(8, NET, minute=5, ended=11), True, id="of an earlier merge, ended since"),
        pytest.param(merged(8, NET, minute=5, ended=9), False, id="of an earlier merge, done before"),
        pytest.param(merged(8, NET, minute=11), False, id="of a later merge"),
        pytest.param(merged(8, NET, minute=5, env="prod"), False, id="of another environment"),
        pytest.param(merged(9, NET, minute=11), True, id="of the same merge"),
        pytest.param(merged(8, OTHER, minute=5), False, id="of something that it does not depend on"),
    ],
)
async def test_what_an_earlier_merge_still_does_goes_first(other: Run, *, first: bool) -> None:
    mine = merged(9, APP, minute=10)
    reader = cast("Any", Runs([mine, other]))

    found = await required_syncs(reader, mine, NEEDS)
    waiting = [each for each in await later_syncs(reader, other) if other.stack.project in NEEDS[APP]]

    assert [each.id for each in found] == ([other.id] if first else [])
    assert [each.id for each in waiting if each.id == mine.id] == ([mine.id] if first else [])


async def test_two_merges_never_wait_for_each_other() -> None:
    every = [merged(pull, project, minute=10) for pull in (8, 9) for project in (NET, DB, APP)]
    reader = cast("Any", Runs(every))

    waits = {each.id: {one.id for one in await required_syncs(reader, each, NEEDS)} for each in every}

    while free := [name for name, needed in waits.items() if not needed & waits.keys()]:
        for name in free:
            del waits[name]
    assert waits == {}
    assert len(await earlier_syncs(reader, every[0])) == len(every) - 1
