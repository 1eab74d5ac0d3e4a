"""State operations in comments: what the plan does and does not do, and what remains to do."""

from __future__ import annotations

from bot.comments.markdown.escape import code, fence
from bot.domain.core.model import OperationKind, PlanStatus, StateOperation
from bot.domain.plans.plan import PlanRecord
from bot.domain.state.operations import block

_WAITS = frozenset({PlanStatus.PLANNED, PlanStatus.APPLYING})


def operation_title(operation: StateOperation) -> str:
    """Return the operation in a few words."""
    if operation.kind is OperationKind.IMPORT:
        return f"import of {code(operation.address, limit=150)}"
    return f"{code(operation.address, limit=150)} leaves the state"


def operation_notes(plan: PlanRecord) -> str:
    """Return the notes above the resources of an operation's plan; empty for other plans."""
    operation = plan.operation
    if operation is None:
        return ""
    if plan.status is PlanStatus.NO_CHANGES:
        return f"> [!NOTE]\n> {_nothing(operation)}\n\n"
    if plan.status not in _WAITS:
        return ""
    return f"> [!IMPORTANT]\n> **{_does(operation)}** {_only(plan, operation)}\n\n{_code_part(operation)}\n"


def operation_done(plan: PlanRecord) -> str:
    """Return the consequences of an applied operation; empty for other plans."""
    operation = plan.operation
    if operation is None:
        return ""
    shown = code(operation.address, limit=150)
    if operation.kind is OperationKind.IMPORT:
        said = f"{shown} is in the state of {code(plan.stack.env, limit=60)} now, and the code decides on it from now on."
    else:
        said = (
            f"The state of {code(plan.stack.env, limit=60)} knows nothing of {shown} any more. What exists goes on"
            " existing, and nobody looks after it here."
        )
    return (
        f"{said} It is no release: `/revert` does not take it back, and it promotes nothing. A new plan of the code is"
        " being made.\n\n"
    )


def _does(operation: StateOperation) -> str:
    shown = code(operation.address, limit=150)
    if operation.kind is OperationKind.IMPORT:
        return f"This plan takes the existing object {code(operation.object_id or '', limit=200)} into the state as {shown}."
    return f"This plan takes {shown} out of the state and destroys nothing: the object itself stays as it is."


def _only(plan: PlanRecord, operation: StateOperation) -> str:
    changed = (
        " Where the object differs from the code, it is changed to what the code says, as shown below."
        if operation.kind is OperationKind.IMPORT and plan.summary.counts.change
        else ""
    )
    return (
        f"Nothing else of this pull request is applied with it.{changed} It holds for"
        f" {code(plan.stack.env, limit=60)} alone, it turns no check green and it is no release."
    )


def _code_part(operation: StateOperation) -> str:
    """Return the block that was generated for this plan, and what to add to the code."""
    if operation.kind is OperationKind.IMPORT:
        advice = (
            "The resource's own block must stay in the code: without it the next plan would destroy what was imported."
            " Where every environment has such an object, put an `import` block for each into the code instead"
        )
    else:
        advice = (
            "Its block, or its key, must stay out of the code: with it the next plan would create the object a second"
            " time. Where every environment is to let go of it, put this block into the code instead"
        )
    written = block(operation)
    renamed = (
        "No `removed` block takes a key, so the instance gets a name of its own first, under which the table shows it. "
        if written.startswith("moved")
        else ""
    )
    return (
        "<details><summary>Generated for this plan only</summary>\n\n"
        f"{fence(written, 'hcl')}\n{renamed}{advice}; it may go once all have applied it.\n\n</details>\n"
    )


def _nothing(operation: StateOperation) -> str:
    shown = code(operation.address, limit=150)
    if operation.kind is OperationKind.IMPORT:
        return f"{shown} is in the state already, so there is nothing to import."
    return f"{shown} is not in the state, so there is nothing to let go of."
