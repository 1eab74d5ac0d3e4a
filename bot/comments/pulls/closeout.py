"""The closing comment of a merged pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, link, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, minute, short, steps
from bot.comments.runs.apply import what_changed
from bot.comments.runs.omissions import omissions
from bot.comments.runs.operation import operation_title
from bot.comments.runs.report import log_block, string, strings
from bot.domain.core.accounts import Account
from bot.domain.core.model import EnvName, PlanStatus, Run, RunStatus, Sha, Stack, StateOperation
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.gates.overrides import Override
from bot.domain.plans.plan import Lock, PlanRecord

_MOST = 20
_MOST_LOSSES = 10
_COMPARED = {
    "unchanged": "✅ as merged",
    "drift": "⚠️ drift: the applied release is unchanged in base, and yet: {what}",
    "pending": "⏳ what was merged is not applied: {what}",
    "blocked": "⚠️ not applied, because what it depends on is not in place: {what}",
    "differs": "⚠️ not applied, because it is not what was reviewed: {what}",
}

_FOR_READING = "📋 the policy lets nobody apply it"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseoutRow:
    """One stack."""

    stack: Stack
    plan: PlanRecord | None = None
    """The pull request's newest plan."""
    applied: Run | None = None
    """Its newest successful apply."""
    approvers: Sequence[Account] = ()
    operations: Sequence[StateOperation] = ()
    """The state operations of the pull request, oldest first."""
    sync: Run | None = None
    """The run of the merge; `detail["sync"]` has the result of the comparison."""
    sync_url: str | None = None
    destroy: Run | None = None
    """The newest destroy, for an environment of the pull request."""
    destroy_url: str | None = None
    is_for_reading: bool = False
    """Whether the policy lets nobody apply it, so that a missing apply is expected."""
    waits_for: Lock | None = None
    """The pull request that locks the stack and blocks the sync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseoutView:
    """The contents of the closing comment."""

    base_ref: str
    merge_commit: Sha | None
    rows: Sequence[CloseoutRow]
    released: Sequence[Stack] = ()
    held: Sequence[Lock] = ()
    overrides: Sequence[Override] = ()
    reverted: Sequence[EnvName] = ()
    """Environments that are still frozen by a revert although the base has the reverted code."""


def closeout_comment(view: CloseoutView) -> str:
    """Return the closing comment of a merged pull request."""
    first = header("closeout", head=view.merge_commit, status="merged", ref="merged")
    commit = f" as {short(view.merge_commit)}" if view.merge_commit else ""
    return fit(
        [
            Part(text=f"{first}\n### 🏁 Merged into {code(view.base_ref, limit=150)}{commit}\n\n"),
            *_rows(view.rows),
            *_logs(view.rows),
            Part(text=_overrides(view.overrides)),
            Part(text=_locks(view)),
            Part(text="", is_note=True),
            Part(text=steps(_next(view))),
        ]
    )


def _rows(rows: Sequence[CloseoutRow]) -> Iterator[Part]:
    head = "| Stack | Before the merge | After the merge |\n| --- | --- | --- |\n"
    yield Part(text=head, frame_of="stacks")
    for row in rows:
        cells = (text(row.stack.label, limit=100), _before(row) + _operations(row), _after(row))
        yield Part(text=f"| {' | '.join(cells)} |\n", drop=Drop.ROW, group="stacks")
    yield Part(text="\n", frame_of="stacks")


def _before(row: CloseoutRow) -> str:
    if row.applied is not None:
        by = f" by {code(row.applied.actor, limit=60)}"
        at = f" at {minute(row.applied.finished_at)}" if row.applied.finished_at else ""
        names = ", ".join(code(login, limit=60) for login in row.approvers[:_MOST])
        approved = f", approved by {names}" if names else ""
        return f"✅ applied{by}{at}, plan {code(row.applied.plan_id or '')}{approved}"
    if row.plan is None:
        return "not planned"
    match row.plan.status:
        case PlanStatus.NO_CHANGES:
            return f"✅ no changes, plan {code(row.plan.id)}"
        case PlanStatus.STALE if not row.plan.has_changes:
            # The merge itself moves the base, which makes the plan stale before the closeout is written.
            return f"✅ no changes, plan {code(row.plan.id)}"
        case PlanStatus.FAILED:
            return f"❌ the apply of plan {code(row.plan.id)} failed"
        case _:
            mark = "📋 planned only" if row.is_for_reading else "⚠️ not applied"
            return f"{mark}, plan {code(row.plan.id)}"


def _operations(row: CloseoutRow) -> str:
    said = [f"🔧 {operation_title(each)}" for each in row.operations[:_MOST]]
    return "".join(f"<br>{each}" for each in said)


def _after(row: CloseoutRow) -> str:
    run = row.sync
    if row.destroy is not None:
        return _destroyed(row.destroy, row.destroy_url)
    if run is None:
        return ""
    if row.waits_for is not None:
        return f"⏳ waits until pull request {row.waits_for.pull} no longer holds it"
    where = link("run", row.sync_url)
    if run.status is not RunStatus.SUCCEEDED:
        return f"❌ {prose(run.summary or str(run.status), limit=400)} ({where})"
    found = string(run.detail, "sync")
    said = _FOR_READING if row.is_for_reading and found == "pending" else _COMPARED.get(found)
    if said is None:
        return f"✅ applied as reviewed, because {code(run.actor, limit=60)} merged ({where})"
    return f"{said.format(what=prose(run.summary or '', limit=200))}{_unseen(run)} ({where})"


def _unseen(run: Run) -> str:
    """Return the resources that the merge would have destroyed and that no plan showed."""
    addresses = strings(run.detail, "unseen")
    if not addresses:
        return ""
    shown = ", ".join(code(address, limit=150) for address in addresses[:_MOST_LOSSES])
    more = len(addresses) - _MOST_LOSSES
    rest = f" and {more} more" if more > 0 else ""
    return f"<br>No plan of this pull request showed that it destroys, replaces or lets go of {shown}{rest}."


def _destroyed(run: Run, url: str | None) -> str:
    where = link("run", url)
    if run.status is RunStatus.SUCCEEDED:
        return f"🧹 destroyed ({where})"
    if run.status in TERMINAL:
        return f"❌ not destroyed: {prose(run.summary or str(run.status), limit=300)} ({where})"
    return f"⏳ is being destroyed ({where})"


def _logs(rows: Sequence[CloseoutRow]) -> Iterator[Part]:
    """Yield the last log lines of failed applies of the merge."""
    for row in rows:
        block = log_block(row.sync.detail) if row.sync is not None else ""
        if block and row.sync is not None and row.sync.status is not RunStatus.SUCCEEDED:
            said = f"**{text(row.stack.label, limit=100)}**: {what_changed(row.sync.detail)}\n{omissions(row.sync.detail)}{block}\n"
            yield Part(text=said, drop=Drop.DETAIL)


def _overrides(overrides: Sequence[Override]) -> str:
    lines = [
        f"- gate {code(each.gate)} of {code(each.env, limit=60)}, by {code(each.asked_by, limit=60)} and"
        f" {code(each.confirmed_by or '', limit=60)}: {prose(each.reason, limit=300)}\n"
        for each in overrides[:_MOST]
    ]
    return "**Gates opened by override**\n" + "".join(lines) + "\n" if lines else ""


def _locks(view: CloseoutView) -> str:
    said = ""
    if view.released:
        shown = [text(stack.label, limit=100) for stack in view.released[:_MOST]]
        more = len(view.released) - len(shown)
        said += f"Released for other pull requests: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}.\n\n"
    if view.held:
        shown = [text(lock.stack.label, limit=100) for lock in view.held[:_MOST]]
        said += f"⚠️ Still held by this pull request: {', '.join(shown)}.\n\n"
    return said


def _next(view: CloseoutView) -> Iterator[Step]:
    for lock in view.held[:3]:
        env = lock.stack.env
        yield Step(sentence=f"Once {env} is as it should be, to let others apply", command=f"/unlock {env}")
    for env in view.reverted[:3]:
        said = (
            f"{view.base_ref} has what the revert left in {env}, which is still on hold; to let others apply"
        )
        yield Step(sentence=said, command=f"/unhold {env}")
    open_envs = dict.fromkeys(
        row.stack.env
        for row in view.rows
        if row.sync is not None
        and not row.is_for_reading
        and row.sync.status is RunStatus.SUCCEEDED
        and string(row.sync.detail, "sync") in {"drift", "pending", "differs"}
    )
    for env in [*open_envs][:3]:
        yield Step(
            sentence=f"To bring {env} to what is in base, on an open pull request", command=f"/plan {env}"
        )
