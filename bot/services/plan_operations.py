"""What is asked of the plan of a state operation beyond any other plan."""

from __future__ import annotations

from bot.domain.errors import GatewrightError, OtherChangesError, TerraformError
from bot.domain.model import Run
from bot.domain.state_operations import hint, strays
from bot.ports import PlanOutput


def refuse_others(run: Run, output: PlanOutput) -> None:
    """Raise OtherChangesError where the plan of an operation would do something besides."""
    if run.operation is None:
        return
    others = strays(run.operation, output.json)
    if others:
        raise OtherChangesError(
            "The plan would do more than was asked for, so it was not kept. Apply what the address depends on first,"
            " with a plan of its own; what would be replaced or destroyed cannot be imported as it is.",
            changes=others,
        )


def hints(run: Run, error: GatewrightError) -> dict[str, str]:
    """Return what to do where Terraform refused the operation itself; empty where its own words must do."""
    if run.operation is None or not isinstance(error, TerraformError):
        return {}
    found = hint(run.operation, error.log_tail)
    return {} if found is None else {"hint": found}
