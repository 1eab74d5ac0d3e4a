"""Converts rows to values, and back."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from bot.adapters.database.queries.fields import columns_of, values_of
from bot.domain.core.model import (
    FailureClass,
    OperationKind,
    PlanStatus,
    Run,
    RunKind,
    RunStatus,
    Stack,
    StateIdentity,
    StateOperation,
)
from bot.domain.plans.plan import Lock, PlanRecord, PlanSummary
from bot.ports import Artifact, Delivery, NewRun, StateVersion, TimelineEntry

_SUMMARY: Final = TypeAdapter(PlanSummary)


def summary_to_json(summary: PlanSummary) -> dict[str, Any]:
    """Return a plan summary as JSON values."""
    dumped: dict[str, Any] = _SUMMARY.dump_python(summary, mode="json")
    return dumped


def summary_from_json(value: dict[str, Any]) -> PlanSummary:
    """Return the plan summary that `summary_to_json` wrote; raises pydantic's ValidationError."""
    return _SUMMARY.validate_python(value)


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """Return the columns of a delivery."""
    return values_of(delivery)


def to_delivery(row: RowMapping) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(**columns_of(Delivery, row))


def run_values(run: NewRun) -> dict[str, Any]:
    """Return the columns of a run that is about to be queued."""
    return {
        **values_of(run, without=("stack", "arguments", "operation")),
        **stack_values(run.stack),
        "operation": operation_value(run.operation),
        "arguments": list(run.arguments),
        "detail": {},
        "status": RunStatus.QUEUED,
        # The release candidate of a run is the commit that it runs.
        "release_candidate_id": run.head_sha or run.base_sha,
    }


def to_run(row: RowMapping) -> Run:
    """Return the run of a row."""
    failure = row["failure_class"]
    values = columns_of(Run, row) | {
        "stack": to_stack(row),
        "kind": _to_kind(row["kind"]),
        "status": RunStatus(row["status"]),
        "arguments": tuple(row["arguments"]),
        "failure_class": None if failure is None else FailureClass(failure),
        "operation": to_operation(row["operation"]),
    }
    return Run(**values)


def _to_kind(name: str) -> RunKind:
    # A newer version, which has more kinds of runs, may have used the database.
    return RunKind(name) if name in RunKind.__members__.values() else RunKind.UNKNOWN


def to_timeline_entry(row: RowMapping) -> TimelineEntry:
    """Return the timeline entry of a row."""
    return TimelineEntry(**columns_of(TimelineEntry, row) | {"status": RunStatus(row["status"])})


def plan_values(plan: PlanRecord) -> dict[str, Any]:
    """Return the columns of a plan."""
    return {
        **values_of(plan, without=("stack", "arguments", "summary", "operation")),
        **stack_values(plan.stack),
        "arguments": list(plan.arguments),
        "summary": summary_to_json(plan.summary),
        "operation": operation_value(plan.operation),
    }


def to_plan(row: RowMapping) -> PlanRecord:
    """Return the plan of a row."""
    values = columns_of(PlanRecord, row) | {
        "stack": to_stack(row),
        "status": PlanStatus(row["status"]),
        "arguments": tuple(row["arguments"]),
        "summary": summary_from_json(row["summary"]),
        "operation": to_operation(row["operation"]),
    }
    return PlanRecord(**values)


def operation_value(operation: StateOperation | None) -> dict[str, Any] | None:
    """Return a state operation as JSON values."""
    return None if operation is None else values_of(operation)


def to_operation(value: dict[str, Any] | None) -> StateOperation | None:
    """Return the state operation that `operation_value` wrote."""
    return None if value is None else StateOperation(**value | {"kind": OperationKind(value["kind"])})


def lock_values(lock: Lock) -> dict[str, Any]:
    """Return the columns of a lock."""
    return values_of(lock, without=("stack",)) | stack_values(lock.stack)


def to_lock(row: RowMapping) -> Lock:
    """Return the lock of a row."""
    return Lock(**columns_of(Lock, row) | {"stack": to_stack(row)})


def state_version_values(version: StateVersion) -> dict[str, Any]:
    """Return the columns of a state version."""
    return values_of(version, without=("identity",)) | values_of(version.identity)


def to_state_version(row: RowMapping) -> StateVersion:
    """Return the state version of a row."""
    identity = StateIdentity(**columns_of(StateIdentity, row))
    return StateVersion(**columns_of(StateVersion, row) | {"identity": identity})


def artifact_values(artifact: Artifact) -> dict[str, Any]:
    """Return the columns of an artifact."""
    return values_of(artifact)


def to_artifact(row: RowMapping) -> Artifact:
    """Return the artifact of a row."""
    return Artifact(**columns_of(Artifact, row))


def stack_values(stack: Stack) -> dict[str, Any]:
    """Return the columns of a stack."""
    return values_of(stack)


def to_stack(row: RowMapping) -> Stack:
    """Return the stack of a row."""
    return Stack(**columns_of(Stack, row))
