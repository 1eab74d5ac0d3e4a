from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.core import run_kinds
from bot.domain.core.model import RunKind
from bot.domain.core.run_kinds import TRAITS


def test_every_kind_of_run_has_its_traits() -> None:
    assert set(TRAITS) == set(RunKind)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        pytest.param(run_kinds.STATE_CHANGES, "apply destroy revert sync restore", id="change a state"),
        pytest.param(run_kinds.RESOURCE_CHANGES, "apply destroy revert sync", id="change resources"),
        pytest.param(run_kinds.RELEASE_APPLIES, "apply revert sync", id="apply a release"),
        pytest.param(run_kinds.STATE_CHANGES_WITHOUT_RELEASE, "destroy restore", id="leave no release"),
        pytest.param(run_kinds.QUEUED_BY_APPLY, "apply revert", id="are queued by apply"),
        pytest.param(run_kinds.LEASE_CHANGES, "apply destroy", id="change a leased environment"),
        pytest.param(run_kinds.EPHEMERAL_USES, "plan apply verify", id="use an ephemeral environment"),
        pytest.param(run_kinds.SEQUENCED, "apply destroy", id="continue a sequence"),
        pytest.param(
            run_kinds.SHOWN_IN_CHECKS, "plan apply destroy revert sync restore", id="are shown in checks"
        ),
        pytest.param(run_kinds.REPORTED_IN_ISSUES, "drift data_refresh", id="are reported in an issue"),
        pytest.param(run_kinds.REPEATABLE, "plan", id="can be repeated"),
    ],
)
def test_kinds_are_classified(found: Sequence[RunKind], kinds: str) -> None:
    assert sorted(found) == sorted(kinds.split())


def test_everything_but_a_plan_blocks_unlocking() -> None:
    assert set(RunKind) - set(run_kinds.BLOCKING_UNLOCK) == {RunKind.PLAN}


def test_everything_but_plans_and_verifications_blocks_an_apply() -> None:
    assert set(RunKind) - set(run_kinds.BLOCKING_APPLY) == {RunKind.PLAN, RunKind.VERIFY}
