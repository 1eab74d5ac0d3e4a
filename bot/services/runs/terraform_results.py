"""Interpret the result of a Terraform run, and select the outputs that may be shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.domain.core.model import FailureClass, RunStatus
from bot.domain.secrets.sensitive import scalars
from bot.ports import ApplyOutput, StateVersion


def ended(output: ApplyOutput) -> tuple[RunStatus, FailureClass | None]:
    """Return how a run has ended whose Terraform ended so."""
    if output.exit_code == 0:
        return RunStatus.SUCCEEDED, None
    if output.timed_out:
        return RunStatus.TIMED_OUT, FailureClass.TIMEOUT
    if output.stopped_by:
        return RunStatus.CANCELED, FailureClass.CANCELED
    # A Terraform that could not save its state made its changes; the store failed it.
    return RunStatus.FAILED, FailureClass.STATE if output.errored_state else FailureClass.TERRAFORM


def change_detail(
    output: ApplyOutput, before: StateVersion, after: StateVersion, redact: Callable[[str], str]
) -> dict[str, Any]:
    """Return the part of a change's result that is recorded in its run's detail."""
    return {
        "exit_code": output.exit_code,
        "log_tail": redact(output.log_tail),
        "serial_before": before.identity.serial,
        "serial_after": after.identity.serial,
        "changed": before.identity.sha256 != after.identity.sha256,
        "errored_state": output.errored_state,
        "stopped_by": output.stopped_by,
    }


def sensitive_outputs(outputs: Mapping[str, Any]) -> set[str]:
    """Return every secret value in them."""
    values = (output.get("value") for output in outputs.values() if output.get("sensitive"))
    return {text for value in values for text in scalars(value)}


def public_outputs(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> text of the outputs that are not sensitive."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, output in outputs.items()
        if not output.get("sensitive") and (value := output.get("value")) is not None
    }
