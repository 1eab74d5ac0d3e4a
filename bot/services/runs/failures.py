"""Describe an error for the report of a run."""

from __future__ import annotations

from typing import Any, Final

from bot.domain.core.errors import (
    EngineChangedError,
    GatewrightError,
    InputsDifferError,
    IntegrityError,
    MergeConflictError,
    OtherBackendError,
    OtherChangesError,
    PolicyError,
    ProvidersChangedError,
    StateOwnerError,
    TerraformError,
    TerraformStoppedError,
    TreeChangedError,
    UnplannableTreeError,
    UnsafeTreeError,
)
from bot.domain.core.model import RunStatus
from bot.domain.core.refusals import Reason
from bot.domain.gates.plan import ENGINE, PLAN_FRESH

_REFUSALS: Final = (
    (StateOwnerError, "state_owner", Reason.STATE_OWNER),
    (OtherBackendError, "state_backend", Reason.OTHER_BACKEND),
    (EngineChangedError, ENGINE.name, Reason.ENGINE_CHANGED),
    (ProvidersChangedError, ENGINE.name, Reason.PROVIDERS_CHANGED),
    (OtherChangesError, "plan", Reason.OTHER_CHANGES),
    (InputsDifferError, "inputs", Reason.INPUTS_DIFFER),
    (IntegrityError, PLAN_FRESH.name, Reason.INTEGRITY),
)
"""Errors by which something is refused, what refuses it, and the reason's code."""


def describe(error: GatewrightError) -> dict[str, Any]:
    """Return the detail of a run that ended in `error`.

    Its `problem` kind and the facts of that kind.

    The comments read it: `conflict`, `unsafe_tree`, `tree_changed`, `unplannable`, `policy`, `terraform`, `refused` or
    `other`.
    """
    message = str(error)
    match error:
        case MergeConflictError():
            found: dict[str, Any] = {"problem": "conflict", "paths": list(error.paths)}
        case UnsafeTreeError():
            found = {"problem": "unsafe_tree", "problems": list(error.problems)}
        case TreeChangedError():
            found = {"problem": "tree_changed", "problems": list(error.problems)}
        case UnplannableTreeError():
            found = {
                "problem": "unplannable",
                "directory": error.directory,
                "submodules": list(error.submodules),
                "pointers": list(error.pointers),
                "is_of_release": error.is_of_release,
            }
        case PolicyError():
            found = {"problem": "policy", "problems": list(error.problems)}
        case TerraformError():
            found = {"problem": "terraform", "log_tail": error.log_tail, **error.omitted}
        case _:
            found = _refusal(error, message) or {"problem": "other"}
    return {"message": message, **found}


def _refusal(error: GatewrightError, message: str) -> dict[str, Any] | None:
    """Return the detail of a run that was refused; None for one that failed."""
    named = next((row[1:] for row in _REFUSALS if isinstance(error, row[0])), None)
    if named is None:
        return None
    found = _refused(*named, message)
    if isinstance(error, OtherChangesError):
        found["problems"] = list(error.changes)
    if isinstance(error, InputsDifferError):
        found["problems"] = list(error.problems)
    if isinstance(error, OtherBackendError):
        found |= {"problems": list(error.problems), "commands": error.commands}
    return found


def status_of(error: GatewrightError) -> RunStatus:
    """Return how a run has ended that met this error."""
    if isinstance(error, TerraformStoppedError):
        return RunStatus.TIMED_OUT if error.timed_out else RunStatus.CANCELED
    return RunStatus.FAILED


def _refused(gate: str, reason: Reason, sentence: str) -> dict[str, Any]:
    shut = {"gate": gate, "reason": str(reason), "sentence": sentence, "opens_with": None}
    return {"problem": "refused", "refusals": [shut]}
