"""Which apply ends the hold that a revert has left, on both databases."""

from __future__ import annotations

import pytest

from bot.adapters.database import Database
from bot.domain.core.accounts import SELF
from bot.domain.core.model import Run, RunId, RunKind, RunStatus, Stack
from bot.services.runs.run_completion import Ending, record_end
from tests.fakes.records.rows import NOW, PROD, REPO, STAGING, a_plan, a_run
from tests.integration.services.scene import OPENED, moved, reverted


async def applied(records: Database, stack: Stack, *, pull: int, arguments: tuple[str, ...] = ()) -> None:
    """Record an apply of a pull request in a stack that has ended well."""
    async with records.write() as writer:
        await writer.add_run(a_run("run-3", stack=stack, pull=pull), NOW)
        plan = a_plan("p5555555", run_id=RunId("run-3"), stack=stack, pull=pull, arguments=arguments)
        await writer.add_plan(plan)
        await moved(writer, "run-3", RunStatus.SUCCEEDED)
        await writer.add_run(a_run("run-4", kind=RunKind.APPLY, stack=stack, pull=pull, plan_id=plan.id), NOW)
        run = await writer.run(RunId("run-4"))
        assert isinstance(run, Run)
        for each in (RunStatus.PREPARING, RunStatus.RUNNING):
            await writer.move_run(run.id, each, at=NOW, actor=SELF, why="")
        ending = Ending(status=RunStatus.SUCCEEDED, failure=None, summary="Done.", detail={})
        assert await record_end(writer, run, ending, NOW, plan=plan)


@pytest.mark.parametrize(
    ("stack", "pull", "held"),
    [
        pytest.param(STAGING, OPENED, False, id="the revert pull request in the environment itself"),
        pytest.param(PROD, OPENED, True, id="the revert pull request in another environment"),
        pytest.param(STAGING, 11, True, id="another pull request, which the gate would have stopped"),
    ],
)
async def test_only_revert_pull_request_in_its_own_environment_ends_hold(
    records: Database, stack: Stack, pull: int, *, held: bool
) -> None:
    await reverted(records)

    await applied(records, stack, pull=pull)

    async with records.read() as reader:
        assert bool(await reader.holds(repo=REPO, env=STAGING.env)) is held


@pytest.mark.parametrize(
    ("arguments", "held"),
    [
        (("-target=terraform_data.one",), True),
        (("-refresh=false",), True),
        (("-parallelism=2", "-replace=terraform_data.one"), False),
    ],
    ids=["targeted", "not refreshed", "whole"],
)
async def test_partial_apply_of_a_revert_pull_request_keeps_the_hold(
    records: Database, arguments: tuple[str, ...], *, held: bool
) -> None:
    await reverted(records)

    await applied(records, STAGING, pull=OPENED, arguments=arguments)

    async with records.read() as reader:
        assert bool(await reader.holds(repo=REPO, env=STAGING.env)) is held
