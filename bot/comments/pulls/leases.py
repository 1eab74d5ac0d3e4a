"""Comments on environments of pull requests: queue, destroy, expiry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.comments.markdown.budget import Part, fit
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, counted, minute, steps
from bot.comments.runs.apply import ending_parts, what_changed
from bot.comments.runs.report import RunView, facts, number, string
from bot.domain.core.accounts import Account
from bot.domain.core.model import RunStatus, Stack
from bot.domain.plans.plan import Lock

_HOUR, _DAY = 3600, 86_400
_STATUS = {RunStatus.SUCCEEDED: "destroyed"}
_TITLES = {
    RunStatus.SUCCEEDED: ("🧹", "destroyed"),
    RunStatus.FAILED: ("❌", "the destroy failed"),
    RunStatus.INTERRUPTED: ("⚠️", "the destroy was interrupted"),
    RunStatus.CANCELED: ("🚫", "the destroy was canceled"),
    RunStatus.TIMED_OUT: ("⏱️", "the destroy took too long and was stopped"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """A place in the queue of a shared environment."""

    stack: Stack
    place: int
    """1 is next."""
    length: int
    lock: Lock | None
    """The holder of the environment; None during a hand-over."""


def queue_comment(view: QueueView) -> str:
    """Return the sticky comment of a pull request that waits for a shared environment."""
    name = text(view.stack.label, limit=100)
    first = header("queue", env=view.stack.env, project=view.stack.project, status="waiting")
    lock = view.lock
    if lock is None:
        who = "It is being handed over."
    else:
        since = minute(lock.since)
        who = f"#{lock.pull} has it ({code(lock.holder, limit=60)}, since {since})."
    place = "next" if view.place == 1 else f"number {view.place} of {view.length}"
    return (
        f"{first}\n### ⏳ {name}: waiting, {place} in line\n\n{who} All pull requests share one {name}. This"
        " one is planned and applied automatically when the other is merged or closed, or after"
        f" {code(command('destroy', view.stack))} there.\n"
    )


def destroy_comment(view: RunView, *, attempts_left: int) -> str:
    """Return the report of an ended destroy; `attempts_left` counts automatic retries."""
    run = view.run
    mark, title = _TITLES.get(run.status, ("⏳", "the destroy has not ended"))
    first = header(
        run.kind,
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        head=run.head_sha,
        status=_STATUS.get(run.status, str(run.status)),
    )
    return fit(
        [
            Part(text=f"{first}\n### {mark} {text(run.stack.label)}: {title}\n\n{facts(view)}\n"),
            *_ending(view),
            Part(text=_kept(view, attempts_left)),
            Part(text=f"The whole log is on {link('the run page', view.run_url)}.", is_note=True),
            Part(text=steps(view.next_steps or _steps(view, attempts_left))),
        ]
    )


def expired_comment(*, stack: Stack, idle: timedelta, reference: str) -> str:
    """Return the notice that the environment of an idle pull request is destroyed."""
    first = header("expiry", env=stack.env, project=stack.project, status="expired", ref=reference)
    name = text(stack.label, limit=100)
    return (
        f"{first}\n### 💤 {name}: released after {_span(idle)} without a run\n\n"
        f"It is being destroyed, so that nobody waits or pays for it. A push brings it back.\n"
    )


def destroying_comment(*, stacks: Sequence[Stack], by: Account, reference: str) -> str:
    """Return the confirmation of `/destroy`."""
    names = ", ".join(text(stack.label, limit=100) for stack in stacks)
    first = header("destroy", env=stacks[0].env, status="queued", ref=reference)
    return f"{first}\n🧹 {code(by, limit=60)} has {names} destroyed. The report follows here.\n"


def _ending(view: RunView) -> Iterator[Part]:
    match view.run.status:
        case RunStatus.SUCCEEDED:
            yield Part(text=_destroyed(view))
        case RunStatus.INTERRUPTED:
            yield Part(text=_interrupted(view))
        case _:
            yield from ending_parts(view)


def _interrupted(view: RunView) -> str:
    holder = string(view.run.detail, "lock_holder")
    locked = (
        f" **The state is still locked** by {code(holder)}: an operator must make sure that no Terraform runs any"
        " more, and release it."
        if holder
        else ""
    )
    changed = what_changed(view.run.detail)
    return f"The machine that ran Terraform was lost before the destroy had ended. {changed}{locked}\n"


def _destroyed(view: RunView) -> str:
    count = number(view.run.detail, "destroyed") or 0
    if not count:
        return "There was nothing left to destroy; other pull requests can have the environment now.\n\n"
    return f"{counted(count, 'resource')} destroyed; other pull requests can have the environment now.\n\n"


def _kept(view: RunView, attempts_left: int) -> str:
    if view.run.status is RunStatus.SUCCEEDED:
        return ""
    again = (
        f"The destroy is retried automatically, {counted(attempts_left, 'more time')} at most."
        if attempts_left
        else "It is not retried automatically."
    )
    return f"\nThis pull request keeps the environment until it is destroyed; nobody else gets it before. {again}\n\n"


def _steps(view: RunView, attempts_left: int) -> tuple[Step, ...]:
    if view.run.status is RunStatus.SUCCEEDED:
        return ()
    stack = view.run.stack
    again = Step(sentence="To try it again", command=command("destroy", stack))
    leave = Step(
        sentence="To leave what is there and hand the environment on, as an administrator",
        command=command("unlock", stack),
    )
    return () if attempts_left else (again, leave)


def _span(idle: timedelta) -> str:
    seconds = int(idle.total_seconds())
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY} days"
    if seconds >= 2 * _HOUR:
        return f"{seconds // _HOUR} hours"
    return counted(max(seconds, 1), "second")
