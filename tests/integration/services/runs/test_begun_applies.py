"""A change that has begun, and after which something fails that no retry mends."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import pytest

from bot.adapters.database import Database
from bot.domain.core.errors import GatewrightError, IntegrityError
from bot.domain.core.model import PlanId, PlanStatus, Run, RunId, RunKind, RunStatus
from bot.services.applying.applying import Applying
from bot.services.applying.changes import Changes
from bot.services.destroying.destroying import Destroying
from bot.services.recovery.dead_letters import DeadLetters
from bot.services.runs.run_completion import RunCompletion
from bot.services.state_restore.runs import RestoreRuns
from tests.fakes.clock import HandClock
from tests.fakes.records.rows import NOW, a_run
from tests.integration.services.scene import add_apply

RUN = RunId("run-2")


@dataclass
class Adapters:
    """Whoever explains what has become of an apply, and cannot."""

    async def explain(self, _: Run) -> None:
        raise IntegrityError("The snapshot that was kept before does not open.")

    def open(self, _: RunId) -> Adapters:
        return self

    def write(self, line: str) -> None: ...

    async def store(self, _: RunId) -> str:
        return "log"


def service_of(kind: type[Any], given: Any, records: Database) -> Any:
    """Return a service whose records are real, and everything else is what was given."""
    completion = RunCompletion(records=records, logs=given, clock=HandClock())
    known = {"records": records, "clock": HandClock(), "completion": completion}
    changes = Changes(
        **{each.name: given for each in fields(Changes)} | {"records": records, "completion": completion}
    )
    parts = {each.name: given for each in fields(kind)} | known | {"changes": changes}
    return kind(**{each.name: parts[each.name] for each in fields(kind)})


async def test_begun_apply_is_never_reported_as_failed_unseen(
    records: Database,
) -> None:
    await add_apply(records, begun=True)
    given = cast("Any", Adapters())
    applying = service_of(Applying, given, records)

    try:
        await applying.execute(RUN)
    except GatewrightError as error:
        # As the engine does with what is not worth another attempt.
        await DeadLetters(records=records, clock=HandClock()).record(
            "execute_change", RUN, f"IntegrityError: {error}"
        )

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
    given = cast("Any", Adapters())

    # What is to be restored is on record nowhere.
    with pytest.raises(GatewrightError, match=r"snapshot|nothing to restore") as caught:
        await service_of(service, given, records).execute(RUN)
    await DeadLetters(records=records, clock=HandClock()).record(
        "execute_change", RUN, f"IntegrityError: {caught}"
    )

    async with records.read() as reader:
        run = await reader.run(RUN)
    assert run is not None
    assert (run.status, run.detail.get("state")) == (RunStatus.INTERRUPTED, "unknown")
