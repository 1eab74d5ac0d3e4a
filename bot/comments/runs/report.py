"""Common parts of the comments on ended runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.comments.markdown.budget import clip_lines
from bot.comments.markdown.escape import clean, code, fence, link
from bot.comments.markdown.words import Step, duration
from bot.comments.runs.revert import RevertView
from bot.domain.core.model import Run
from bot.domain.plans.plan import PlanRecord
from bot.domain.releases.release import Verification

_LOG_BYTES = 12_000
_LOG_LINES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """An ended run, its plan if it has one, and its links."""

    run: Run
    """Its `detail` is as the services record it; missing fields are left out of the comment."""
    run_url: str | None
    plan: PlanRecord | None = None
    replanned: bool = False
    """Whether a new plan of the stack was started automatically."""
    url_output: str | None = None
    """Name of the output with the environment's address."""
    keeps_lock: bool = False
    """Whether the pull request still locks the stack, so that `/unlock` releases it."""
    verification: Verification | None = None
    """The verification after it, if there was one."""
    revert: RevertView | None = None
    """What a revert went back to."""
    next_steps: Sequence[Step] = ()
    """Next steps; empty for the ones that follow from the result."""


def facts(view: RunView) -> str:
    """Return the line under the title: run, plan, commit, duration."""
    run = view.run
    took = duration(run.started_at, run.finished_at)
    plan_id = view.plan.id if view.plan else run.plan_id
    said = [
        *([f"plan {code(plan_id)}"] if plan_id else ()),
        *([f"commit {code(run.head_sha[:7])}"] if run.head_sha else ()),
        f"requested by {code(run.actor, limit=60)}",
        *([f"took {took}"] if took else ()),
        link(f"run {code(run.id)}", view.run_url),
    ]
    line = " · ".join(said)
    return f"{line[0].upper()}{line[1:]}\n"


def log_block(detail: Mapping[str, Any]) -> str:
    """Return the end of the log as a fenced block, empty if none is stored."""
    tail = string(detail, "log_tail").strip("\n")
    if not tail:
        return ""
    lines = "\n".join(tail.split("\n")[-_LOG_LINES:])
    return "\nThe end of the log:\n\n" + fence(clip_lines(clean(lines), _LOG_BYTES, keep_end=True))


def string(detail: Mapping[str, Any], key: str) -> str:
    """Return a string of a run's detail, empty if missing."""
    value = detail.get(key)
    return value if isinstance(value, str) else ""


def strings(detail: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of strings of a run's detail."""
    value = detail.get(key)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def number(detail: Mapping[str, Any], key: str) -> int | None:
    """Return an integer of a run's detail."""
    value = detail.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
