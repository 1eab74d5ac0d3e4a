"""When a group of GitHub's merge queue must not be green although the newest release is made of the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import CommitMissingError
from bot.domain.core.model import PlanId, Repo, RunId, RunKind, RunStatus, Sha
from bot.policy import load_policy
from bot.ports import Merge, Writer
from bot.services.merging.merge_queue_checks import MergeQueueChecks
from bot.services.reporting.head_checks import APPLY
from bot.services.stacks.touched import MergedTree, Trees, inputs_digest
from tests.fakes.records.releases import a_release
from tests.fakes.records.rows import BASE, NOW, STAGING, a_run
from tests.integration.services.reporting.shown_checks import LINKS, ShownChecks, check_runs
from tests.integration.services.scene import REPOSITORY, moved

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars}
merge_requires: [staging]
""")
FILES = {"terraform/main.tf": "1" * 40, "envs/staging.tfvars": "2" * 40}
TREE = MergedTree(
    merge=Merge(tree="t" * 40, merge_base=BASE, changed_files=("terraform/main.tf",)),
    files=FILES,
    module_calls={},
)
GROUP = Sha("7" * 40)
IN_PLACE = a_release(
    inputs_digest=inputs_digest(POLICY, STAGING, TREE),
    var_file_digest=FILES["envs/staging.tfvars"],
    arguments=(),
)


@dataclass
class _Trees:
    is_served: bool = True

    async def moved(self, repo: Repo, branch: str, **_: Sha) -> MergedTree:
        if not self.is_served:
            raise CommitMissingError(f"{repo.full_name} has no {branch}")
        return TREE


def queue_of(records: Database, github: ShownChecks, trees: _Trees) -> MergeQueueChecks:
    return MergeQueueChecks(
        records=records,
        trees=cast("Trees", cast("Any", trees)),
        checks=check_runs(github, records),
        links=LINKS,
    )


async def answered(records: Database) -> str | None:
    """Return how the check of applies ended for a group that changes staging."""
    github = ShownChecks()
    merge_queue_checks = queue_of(records, github, _Trees())
    async with records.write() as writer:
        await writer.renew_checks(REPOSITORY.full_name, GROUP)
    await merge_queue_checks.answer(REPOSITORY, POLICY, branch="queue", base=BASE, head=GROUP)
    return github.newest(APPLY).conclusion


async def change(writer: Writer, kind: RunKind, status: RunStatus, detail: dict[str, str]) -> None:
    """Record a change of staging that was begun after the release."""
    await writer.add_run(a_run("run-2", kind=kind, plan_id=PlanId("p9999999")), NOW)
    await writer.record_intent(RunId("run-2"), NOW)
    await writer.set_result(RunId("run-2"), summary="", detail=detail)
    await moved(writer, "run-2", status)


async def part(writer: Writer) -> None:
    await writer.add_release(replace(IN_PLACE, plan_id=PlanId("p3333333"), arguments=("-target=a.b",)))


async def failure(writer: Writer) -> None:
    await change(writer, RunKind.APPLY, RunStatus.FAILED, {})


async def restore(writer: Writer) -> None:
    await change(writer, RunKind.RESTORE, RunStatus.SUCCEEDED, {"state": "restored"})


async def refused_restore(writer: Writer) -> None:
    await change(writer, RunKind.RESTORE, RunStatus.FAILED, {})


async def nothing(writer: Writer) -> None:
    del writer


@pytest.mark.parametrize(
    ("since", "conclusion"),
    [
        pytest.param(nothing, "success", id="nothing"),
        pytest.param(part, "failure", id="only a part of the same was applied"),
        pytest.param(failure, "failure", id="an apply of something else ended half-way"),
        pytest.param(restore, "failure", id="an older state was restored"),
        pytest.param(refused_restore, "success", id="a restore wrote nothing"),
    ],
)
async def test_group_is_green_only_for_a_whole_existing_release(
    records: Database, since: Callable[[Writer], Awaitable[None]], conclusion: str
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_release(replace(IN_PLACE, recorded_at=NOW - timedelta(minutes=1)))
        await since(writer)

    assert await answered(records) == conclusion


async def test_a_group_that_is_not_served_yet_is_not_failed(records: Database) -> None:
    # Given a group whose commit git does not get yet,
    github = ShownChecks()
    merge_queue_checks = queue_of(records, github, _Trees(is_served=False))
    about = {"branch": "queue", "base": BASE, "head": GROUP}
    # when it was made just now, then it is tried again,
    with pytest.raises(CommitMissingError):
        await merge_queue_checks.answer(REPOSITORY, POLICY, **about, is_fresh=True)  # type: ignore[arg-type]
    assert github.runs == []
    # and when it stays missing, then the queue does not wait for ever.
    assert await merge_queue_checks.answer(REPOSITORY, POLICY, **about, is_fresh=False) is None  # type: ignore[arg-type]
    assert github.state(APPLY) == "failure"
