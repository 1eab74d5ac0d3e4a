"""The lifecycle of a run: the only table of allowed transitions."""

from __future__ import annotations

from bot.domain.core.model import RunStatus

ACTIVE = (RunStatus.QUEUED, RunStatus.PREPARING, RunStatus.RUNNING)
TERMINAL = frozenset(
    {
        RunStatus.SUCCEEDED,
        RunStatus.FAILED,
        RunStatus.CANCELED,
        RunStatus.TIMED_OUT,
        RunStatus.INTERRUPTED,
    }
)

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.PREPARING, RunStatus.CANCELED, RunStatus.FAILED}),
    RunStatus.PREPARING: frozenset({RunStatus.PREPARING, RunStatus.RUNNING}) | TERMINAL,
    RunStatus.RUNNING: frozenset({RunStatus.PREPARING, RunStatus.RUNNING}) | TERMINAL,
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELED: frozenset(),
    RunStatus.TIMED_OUT: frozenset(),
    RunStatus.INTERRUPTED: frozenset(),
}
"""A repeated step may go back to `preparing`; a terminal status is never left."""


def may_move(current: RunStatus, wanted: RunStatus) -> bool:
    """Whether a run may move from status `current` to `wanted`."""
    return wanted in TRANSITIONS[current]


def diagram() -> str:
    """Return the table as a Mermaid state diagram for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> queued"]
    for current, targets in TRANSITIONS.items():
        lines += [f"    {current} --> {target}" for target in RunStatus if target in targets]
    lines += [f"    {status} --> [*]" for status in RunStatus if status in TERMINAL]
    return "\n".join(lines)
