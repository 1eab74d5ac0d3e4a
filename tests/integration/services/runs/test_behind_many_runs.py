"""What must be found however many runs came after it: pushes cancel plans by the hundred."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.context import Request
from bot.domain.commands.parser import Command
from bot.domain.core.model import (
    EnvName,
    Permission,
    PlanId,
    ProjectName,
    RunId,
    RunKind,
    RunStatus,
    Stack,
    StateKey,
)
from bot.domain.core.refusals import Reason, Refusal
from bot.services.applying import project_rollout
from bot.services.recovery.errored_states import Rounds
from bot.services.runs import sequences
from handlers.commands import apply, unlock
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, STAGING, a_lock, a_plan, a_run
from tests.integration.conftest import Inspector
from tests.integration.services.scene import loaded, moved, trigger


@dataclass
class Looked:
    """Whoever looks on this machine for what Terraform could not save."""

    at: list[Stack] = field(default_factory=list)

    async def note(self, stack: Stack) -> None:
        self.at.append(stack)


@pytest.fixture
async def applying(records: Database) -> Database:
    """An apply that has begun, and a hundred and one plans of its pull request that were asked for since."""
    async with records.write() as writer:
        await writer.add_run(a_run("run-1", kind=RunKind.APPLY), NOW)
        await writer.record_intent(RunId("run-1"), NOW)
        for number in range(101):
            await writer.add_run(a_run(f"run-p-{number}"), NOW)
        await writer.take_lock(a_lock(7))
    return records


async def test_unsaved_state_is_searched_behind_any_number_of_canceled_plans(
    applying: Database,
) -> None:
    async with applying.write() as writer:
        await moved(writer, "run-1", RunStatus.INTERRUPTED)
        for number in range(101):
            await moved(writer, f"run-p-{number}", RunStatus.CANCELED)
    looked = Looked()

    await Rounds(records=applying, errored_states=cast("Any", looked), clock=HandClock()).look()

    assert looked.at == [STAGING]


async def test_stack_is_not_unlocked_during_its_apply_despite_long_queues(
    applying: Database,
) -> None:
    asked = trigger()
    async with applying.write() as writer:
        await writer.release_lock(STAGING)
        await writer.take_lock(a_lock(7, holder=asked.actor))

    class Bot:
        records = applying
        clock = HandClock()

    command = Command(name="unlock", line="/unlock staging", envs=(EnvName("staging"),))
    request = Request(
        trigger=asked, loaded=loaded(), permission=Permission.WRITE, line=command.line, specs=()
    )

    [answer] = await unlock.handle(command, request, cast("Any", Bot()))

    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.ALREADY_RUNNING
    async with applying.read() as reader:
        assert await reader.lock(STAGING) is not None


PROJECTS = 101


def a_stack(number: int) -> Stack:
    """Return one of very many projects' stacks."""
    name = ProjectName(f"project-{number}")
    return replace(STAGING, project=name, state_key=StateKey(f"staging/{name}/terraform.tfstate"))


@pytest.fixture
async def sequence(records: Database) -> Database:
    """Applies of a hundred and one projects, asked for in one comment."""
    async with records.write() as writer:
        for number in range(PROJECTS):
            await writer.add_run(a_run(f"run-{number}", kind=RunKind.APPLY, stack=a_stack(number)), NOW)
    return records


async def test_any_number_of_projects_is_applied_one_after_the_other(
    sequence: Database, inspector: Inspector
) -> None:
    async with sequence.write() as writer:
        first = await writer.run(RunId("run-0"))
        assert first is not None
        await sequences.continue_sequence(writer, first, RunStatus.SUCCEEDED, NOW)

    assert inspector.started() == ["run-run-1"]


async def test_any_number_of_projects_ends_with_the_one_that_fails(sequence: Database) -> None:
    async with sequence.write() as writer:
        first = await writer.run(RunId("run-0"))
        assert first is not None
        await moved(writer, "run-0", RunStatus.FAILED)
        await sequences.continue_sequence(writer, first, RunStatus.FAILED, NOW)

    async with sequence.read() as reader:
        assert await reader.runs(statuses=(RunStatus.QUEUED,)) == []


async def test_any_number_of_projects_is_put_up_in_order(records: Database, inspector: Inspector) -> None:
    async with records.write() as writer:
        for number in range(1, PROJECTS + 1):
            await writer.add_run(a_run(f"run-{number}", stack=a_stack(number)), NOW)
            await writer.take_lock(a_lock(7, stack=a_stack(number), run_id=RunId(f"run-{number}")))
        first = await writer.add_run(a_run("run-0", kind=RunKind.APPLY, stack=a_stack(0)), NOW)
        assert first is not None
        await project_rollout.start_next_plan(writer, first)

    assert inspector.started() == ["run-run-1"]


async def test_an_apply_of_all_projects_leaves_none_out(records: Database) -> None:
    stacks = tuple(a_stack(number) for number in range(PROJECTS))
    async with records.write() as writer:
        for number, each in enumerate(stacks):
            await writer.add_run(a_run(f"run-{number}", stack=each), NOW)
            await writer.add_plan(a_plan(f"p{number:07}", run_id=RunId(f"run-{number}"), stack=each))

    class Bot:
        pass

    bot = cast("Any", Bot())
    bot.records = records
    for plan, meant in ((None, stacks), (PlanId("p0000000"), stacks[:1])):
        command = Command(name="apply", line="/apply staging", envs=(EnvName("staging"),), plan=plan)
        request = Request(
            trigger=trigger(), loaded=loaded(), permission=Permission.WRITE, line=command.line, specs=()
        )
        assert await apply.planned(stacks, command, request, bot) == meant
