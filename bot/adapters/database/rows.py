"""Rows to values and back; nothing else knows how a value lies in its table."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from bot.domain.model import (
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
from bot.domain.plan import Lock, PlanRecord, PlanSummary
from bot.ports import Artifact, Delivery, NewRun, StateVersion, TimelineEntry

_SUMMARY: Final = TypeAdapter(PlanSummary)


def summary_to_json(summary: PlanSummary) -> dict[str, Any]:
    """Return a plan summary as JSON values."""
    dumped: dict[str, Any] = _SUMMARY.dump_python(summary, mode="json")
    return dumped


def summary_from_json(value: dict[str, Any]) -> PlanSummary:
    """Return the plan summary that `summary_to_json` wrote; pydantic's ValidationError when it is not one."""
    return _SUMMARY.validate_python(value)


def delivery_values(delivery: Delivery) -> dict[str, Any]:
    """Return the columns of a delivery."""
    return _own(delivery)


def to_delivery(row: RowMapping) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(**_columns(Delivery, row))


def run_values(run: NewRun) -> dict[str, Any]:
    """Return the columns of a run that is about to be queued; the commit it carries is its release candidate."""
    return {
        **_own(run, without=("stack", "arguments", "operation")),
        **stack_values(run.stack),
        "operation": operation_value(run.operation),
        "arguments": list(run.arguments),
        "detail": {},
        "status": RunStatus.QUEUED,
        "release_candidate_id": run.head_sha or run.base_sha,
    }


def to_run(row: RowMapping) -> Run:
    """Return the run of a row."""
    failure = row["failure_class"]
    values = _columns(Run, row) | {
        "stack": to_stack(row),
        "kind": RunKind(row["kind"]),
        "status": RunStatus(row["status"]),
        "arguments": tuple(row["arguments"]),
        "failure_class": None if failure is None else FailureClass(failure),
        "operation": to_operation(row["operation"]),
    }
    return Run(**values)


def to_timeline_entry(row: RowMapping) -> TimelineEntry:
    """Return the timeline entry of a row."""
    return TimelineEntry(**_columns(TimelineEntry, row) | {"status": RunStatus(row["status"])})


def plan_values(plan: PlanRecord) -> dict[str, Any]:
    """Return the columns of a plan."""
    return {
        **_own(plan, without=("stack", "arguments", "summary", "operation")),
        **stack_values(plan.stack),
        "arguments": list(plan.arguments),
        "summary": summary_to_json(plan.summary),
        "operation": operation_value(plan.operation),
    }


def to_plan(row: RowMapping) -> PlanRecord:
    """Return the plan of a row."""
    values = _columns(PlanRecord, row) | {
        "stack": to_stack(row),
        "status": PlanStatus(row["status"]),
        "arguments": tuple(row["arguments"]),
        "summary": summary_from_json(row["summary"]),
        "operation": to_operation(row["operation"]),
    }
    return PlanRecord(**values)


def operation_value(operation: StateOperation | None) -> dict[str, Any] | None:
    """Return a state operation as JSON values."""
    return None if operation is None else _own(operation)


def to_operation(value: dict[str, Any] | None) -> StateOperation | None:
    """Return what `operation_value` wrote."""
    return None if value is None else StateOperation(**value | {"kind": OperationKind(value["kind"])})


def lock_values(lock: Lock) -> dict[str, Any]:
    """Return the columns of a lock."""
    return _own(lock, without=("stack",)) | stack_values(lock.stack)


def to_lock(row: RowMapping) -> Lock:
    """Return the lock of a row."""
    return Lock(**_columns(Lock, row) | {"stack": to_stack(row)})


def state_version_values(version: StateVersion) -> dict[str, Any]:
    """Return the columns of a state version."""
    return _own(version, without=("identity",)) | _own(version.identity)


def to_state_version(row: RowMapping) -> StateVersion:
    """Return the state version of a row."""
    identity = StateIdentity(**_columns(StateIdentity, row))
    return StateVersion(**_columns(StateVersion, row) | {"identity": identity})


def artifact_values(artifact: Artifact) -> dict[str, Any]:
    """Return the columns of an artifact."""
    return _own(artifact)


def to_artifact(row: RowMapping) -> Artifact:
    """Return the artifact of a row."""
    return Artifact(**_columns(Artifact, row))


def stack_values(stack: Stack) -> dict[str, Any]:
    """Return the columns of a stack."""
    return _own(stack)


def to_stack(row: RowMapping) -> Stack:
    """Return the stack of a row."""
    return Stack(**_columns(Stack, row))


def _own(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in without}


def _columns(kind: type[Any], row: RowMapping) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}
