"""What a report needs to explain an error."""

from __future__ import annotations

from typing import Any

from bot.domain.errors import (
    EngineChangedError,
    GatewrightError,
    InputsDifferError,
    IntegrityError,
    MergeConflictError,
    OtherChangesError,
    PolicyError,
    ProvidersChangedError,
    TerraformError,
    TerraformStoppedError,
    TreeChangedError,
    UnplannableTreeError,
    UnsafeTreeError,
)
from bot.domain.model import RunStatus
from bot.domain.refusals import Reason


def describe(error: GatewrightError) -> dict[str, Any]:
    """Return the detail of a run that ended in `error`: its `problem` kind and the facts of that kind.

    The comments read it: `conflict`, `unsafe_tree`, `tree_changed`, `unplannable`, `policy`, `terraform`, `refused` or
    `other`.
    """
    message = str(error)
    if (refused := _refusal(error, message)) is not None:
        return {"message": message, **refused}
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
            found = {"problem": "other"}
    return {"message": message, **found}


def _refusal(error: GatewrightError, message: str) -> dict[str, Any] | None:
    """Return the detail of an error that has a reason code of its own."""
    match error:
        case EngineChangedError():
            return _refused("engine", Reason.ENGINE_CHANGED, message)
        case ProvidersChangedError():
            return _refused("engine", Reason.PROVIDERS_CHANGED, message)
        case OtherChangesError():
            return _refused("plan", Reason.OTHER_CHANGES, message) | {"problems": list(error.changes)}
        case InputsDifferError():
            return _refused("inputs", Reason.INPUTS_DIFFER, message) | {"problems": list(error.problems)}
        case IntegrityError():
            return _refused("plan_fresh", Reason.INTEGRITY, message)
        case _:
            return None


def status_of(error: GatewrightError) -> RunStatus:
    """Return how a run has ended that met this error."""
    if isinstance(error, TerraformStoppedError):
        return RunStatus.TIMED_OUT if error.timed_out else RunStatus.CANCELED
    return RunStatus.FAILED


def _refused(gate: str, reason: Reason, sentence: str) -> dict[str, Any]:
    shut = {"gate": gate, "reason": str(reason), "sentence": sentence, "opens_with": None}
    return {"problem": "refused", "refusals": [shut]}
