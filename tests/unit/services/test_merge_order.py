from __future__ import annotations

from typing import Any

import pytest

from bot.domain.model import ProjectName, Run, RunKind, RunStatus
from bot.services.merge_order import lacks, must_wait
from tests.fakes.builders import run, stack

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
def test_a_project_goes_behind_what_it_depends_on(
    others: list[Run], *, waits: bool, is_blocked: bool
) -> None:
    mine = sync(APP, RunStatus.QUEUED)

    assert (must_wait(mine, others, NEEDS), lacks(mine, others, NEEDS)) == (waits, is_blocked)


def test_where_nothing_depends_on_anything_nobody_waits() -> None:
    others = [sync(NET, RunStatus.FAILED), sync(DB, RunStatus.RUNNING)]

    assert not must_wait(sync(APP), others, {})
    assert not lacks(sync(APP), others, {})
