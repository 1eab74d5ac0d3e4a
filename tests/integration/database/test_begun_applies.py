"""A change that has begun, and after which something fails that no retry mends."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.errors import GatewrightError, IntegrityError
from bot.domain.model import PlanId, PlanStatus, Run, RunId, RunKind, RunStatus
from bot.services.applying import Applying
from bot.services.destroying import Destroying
from bot.services.endings import Endings
from bot.services.losses import Losses
from bot.services.restore_runs import RestoreRuns
from tests.integration.database.builders import NOW, a_run
from tests.integration.database.test_losses import Noon, add_apply

RUN = RunId("run-2")


@dataclass
class Outside:
    """Whoever explains what has become of an apply, and cannot."""

    async def explain(self, _: Run) -> None:
        raise IntegrityError("The snapshot that was kept before does not open.")

    def open(self, _: RunId) -> Outside:
        return self

    def write(self, line: str) -> None: ...

    async def store(self, _: RunId) -> str:
        return "log"


async def test_an_apply_that_has_begun_is_never_told_as_one_that_failed_because_nobody_could_look(
    records: Database,
) -> None:
    await add_apply(records, begun=True)
    given = cast("Any", Outside())
    parts = {each.name: given for each in fields(Applying)}
    endings = Endings(records=records, logs=given, clock=Noon())
    applying = Applying(**parts | {"records": records, "clock": Noon(), "endings": endings})

    try:
        await applying.execute(RUN)
    except GatewrightError as error:
        # As the engine does with what is not worth another attempt.
        await Losses(records=records, clock=Noon()).record("execute_change", RUN, f"IntegrityError: {error}")

    async with records.read() as reader:
        run, plan = await reader.run(RUN), await reader.plan(PlanId("p2345678"))
    assert run is not None
    assert plan is not None
    assert (run.status, run.detail.get("state")) == (RunStatus.INTERRUPTED, "unknown")
    assert plan.status is PlanStatus.FAILED


@pytest.mark.parametrize(
    ("service", "kind_of_run"), [(Destroying, RunKind.DESTROY), (RestoreRuns, RunKind.RESTORE)]
)
async def test_nor_is_what_destroys_or_restores_and_has_begun(
    records: Database, service: type[Destroying | RestoreRuns], kind_of_run: RunKind
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run(RUN, kind=kind_of_run), NOW)
        await writer.record_intent(RUN, NOW)
    given = cast("Any", Outside())
    parts = {each.name: given for each in fields(service)}
    endings = Endings(records=records, logs=given, clock=Noon())

    # What is to be restored is on record nowhere.
    with pytest.raises(GatewrightError, match=r"snapshot|nothing to restore") as caught:
        await service(**parts | {"records": records, "clock": Noon(), "endings": endings}).execute(RUN)
    await Losses(records=records, clock=Noon()).record("execute_change", RUN, f"IntegrityError: {caught}")

    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    assert (run.status, run.detail.get("state")) == (RunStatus.INTERRUPTED, "unknown")
