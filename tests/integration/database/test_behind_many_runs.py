"""What must be found however many runs came after it: pushes cancel plans by the hundred."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.context import Request
from bot.domain.commands import Command
from bot.domain.model import EnvName, Permission, RunId, RunKind, RunStatus, Stack
from bot.domain.refusals import Reason, Refusal
from bot.services.rescues import Rounds
from handlers import unlock
from tests.integration.database.builders import NOW, STAGING, a_lock, a_run
from tests.integration.database.test_losses import Noon
from tests.integration.database.test_reverts import loaded, moved, wish


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


async def test_a_state_that_could_not_be_saved_is_looked_for_behind_any_number_of_canceled_plans(
    applying: Database,
) -> None:
    async with applying.write() as writer:
        await moved(writer, "run-1", RunStatus.INTERRUPTED)
        for number in range(101):
            await moved(writer, f"run-p-{number}", RunStatus.CANCELED)
    looked = Looked()

    await Rounds(records=applying, rescues=cast("Any", looked), clock=Noon()).look()

    assert looked.at == [STAGING]


async def test_a_stack_is_not_unlocked_in_the_middle_of_its_apply_however_much_is_queued(
    applying: Database,
) -> None:
    asked = wish()
    async with applying.write() as writer:
        await writer.release_lock(STAGING)
        await writer.take_lock(a_lock(7, holder=asked.actor))

    class Bot:
        records = applying
        clock = Noon()

    command = Command(name="unlock", line="/unlock staging", envs=(EnvName("staging"),))
    request = Request(wish=asked, loaded=loaded(), held=Permission.WRITE, line=command.line, specs=())

    [answer] = await unlock.handle(command, request, cast("Any", Bot()))

    assert isinstance(answer, Refusal)
    assert answer.reason is Reason.ALREADY_RUNNING
    async with applying.read() as reader:
        assert await reader.lock(STAGING) is not None
