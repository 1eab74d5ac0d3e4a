"""What `/status` says of a stack that is not as its releases say, or on hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.comments.answers.stack_notes import StackNote, notes_part
from bot.domain.core.model import PlanId, Run, RunKind, RunStatus
from bot.domain.gates.freezes import HoldCause
from tests.fakes.records import builders
from tests.fakes.records.builders import NOON
from tests.unit.comments.samples import run

NOW = NOON + timedelta(minutes=10)


def note(unfinished: Run | None = None, **changes: Any) -> StackNote:
    values = {"stack": builders.stack(), "revert_to": None, "holds": (), **changes}
    return StackNote(unfinished=unfinished, **values)


def test_where_all_is_well_nothing_is_said() -> None:
    assert notes_part([], NOW) == ""


@pytest.mark.parametrize(
    ("status", "detail", "words"),
    [
        pytest.param(
            RunStatus.INTERRUPTED,
            {"state": "changed", "changed": True, "serial_before": 4, "serial_after": 6},
            ("was interrupted. Part of the plan was applied. State serial 4 → 6.",),
            id="the state was changed",
        ),
        pytest.param(
            RunStatus.INTERRUPTED,
            {"state": "not_changed", "changed": False, "serial_before": 4, "serial_after": 4},
            ("was interrupted. No change is recorded. State unchanged (serial 4).",),
            id="no change is recorded",
        ),
        pytest.param(
            RunStatus.INTERRUPTED,
            {"state": "locked", "changed": False},
            ("**The state is still locked**",),
            id="the state is locked",
        ),
        pytest.param(
            RunStatus.INTERRUPTED,
            {"state": "unknown"},
            ("**Whether the state was changed is unknown.**",),
            id="the state could not be read",
        ),
        pytest.param(
            RunStatus.FAILED,
            {"changed": True, "serial_before": 4, "serial_after": 5},
            ("failed. Part of the plan was applied.",),
            id="Terraform failed",
        ),
    ],
)
def test_a_revert_that_did_not_end_well_is_explained(
    status: RunStatus, detail: dict[str, Any], words: tuple[str, ...]
) -> None:
    begun = run(kind=RunKind.REVERT, status=status, detail=detail)

    said = notes_part([note(begun, revert_to=PlanId("p2222222"))], NOW)

    assert said.startswith("- ⚠️ **staging**: the revert to `p2222222` (run `r123456789abcdef`, by `dev`, ")
    for word in (*words, "A new plan shows what is left of it."):
        assert word in said


def test_an_apply_is_called_an_apply() -> None:
    begun = run(status=RunStatus.CANCELED, detail={"changed": False, "serial_before": 1, "serial_after": 1})

    assert "**staging**: the apply (run `r123456789abcdef`" in notes_part([note(begun)], NOW)


def test_hold_names_who_why_and_what_lifts_it_as_text() -> None:
    hold = builders.hold(cause=HoldCause.REVERT, reason="staging was reverted by @everyone", since=NOON)

    said = notes_part([note(holds=(hold,))], NOW)

    assert said.startswith("- ✋ **staging** is on hold: ")
    assert f"`{hold.command_to_lift}`" in said
    assert "@everyone" not in said
