"""Additional checks of the plan of a state operation."""

from __future__ import annotations

from bot.domain.core.errors import GatewrightError, OtherChangesError, TerraformError
from bot.domain.core.model import Run
from bot.domain.state.operations import hint, orphaned_work
from bot.ports import PlanOutput


def refuse_others(run: Run, output: PlanOutput) -> None:
    """Raise OtherChangesError where the plan of an operation would do something besides."""
    if run.operation is None:
        return
    others = orphaned_work(run.operation, output.json)
    if others:
        raise OtherChangesError(
            "The plan would do more than was asked for, so it was not kept. Apply what the address depends on first,"
            " with a plan of its own; what would be replaced or destroyed cannot be imported as it is.",
            changes=others,
        )


def hints(run: Run, error: GatewrightError) -> dict[str, str]:
    """Return what to do where Terraform refused the operation itself.

    Empty where its own words must do.
    """
    if run.operation is None or not isinstance(error, TerraformError):
        return {}
    found = hint(run.operation, error.log_tail)
    return {} if found is None else {"hint": found}
