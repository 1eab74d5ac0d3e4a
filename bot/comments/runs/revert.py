"""Reverts in comments: what the plan undoes and cannot undo, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.comments.markdown.budget import Drop, Part
from bot.comments.markdown.escape import code, prose
from bot.comments.markdown.words import counted, duration, minute, short
from bot.domain.core.model import OperationKind, Run
from bot.domain.plans.plan import Action, PlanSummary
from bot.domain.releases.release import Release
from bot.domain.releases.revert import Revert
from bot.domain.state.operations import is_part_of

_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertView:
    """A revert with its releases."""

    revert: Revert
    target: Release | None
    undone: Sequence[Release]
    """Newest first."""


def revert_notes(view: RevertView | None, summary: PlanSummary) -> Iterator[Part]:
    """Yield the notes above the resources of a revert's plan."""
    if view is None:
        return
    yield Part(
        text=f"> [!IMPORTANT]\n> **This plan goes back to release {_release(view.target, view.revert)}.**\n"
    )
    for release in view.undone[:_MOST]:
        yield Part(text=f"> It undoes release {_release(release, view.revert)}.\n")
    more = len(view.undone) - _MOST
    yield Part(text=f"> And {counted(more, 'release')} more.\n\n" if more > 0 else "\n")
    yield from _commits(view.revert)
    replaced = [row.address for row in summary.resources if row.action is Action.REPLACE]
    if replaced:
        yield Part(text=f"**It replaces** {_named(replaced)}.\n\n")
    yield Part(text=_operations(view.revert, summary))
    yield Part(text=f"**What it cannot undo**\n\n{_lasting(view.revert, summary)}\n")


def _release(release: Release | None, revert: Revert) -> str:
    if release is None:
        return code(revert.target)
    where = "" if release.pull is None else f"pull request {release.pull}, "
    return (
        f"{code(release.plan_id)} ({where}commit {short(release.head_sha)}, {minute(release.recorded_at)} by"
        f" {code(release.actor, limit=60)})"
    )


def _commits(revert: Revert) -> Iterator[Part]:
    listed: Any = revert.notes.get("commits")
    if listed is None:
        yield Part(text="The commits that it undoes are not known here: the mirror does not have them.\n\n")
        return
    yield Part(text="**Commits undone**\n\n", frame_of="commits")
    for sha, subject in listed:
        yield Part(text=f"- {short(sha)} {prose(subject, limit=120)}\n", drop=Drop.DETAIL, group="commits")
    more = revert.notes.get("more")
    yield Part(text=f"- and {more} more\n" if more else "")
    yield Part(text="\n", frame_of="commits")


def _operations(revert: Revert, summary: PlanSummary) -> str:
    """Warn of imports and removals since that release, which going back would undo wrongly."""
    since: Any = revert.notes.get("operations") or ()
    wrong = {OperationKind.IMPORT: Action.DESTROY, OperationKind.FORGET: Action.ADD}
    rows = [(row.action, row.address) for row in summary.resources]
    met = [
        (kind, address)
        for kind, address in since
        if any(action is wrong[OperationKind(kind)] and is_part_of(found, address) for action, found in rows)
    ]
    lines = []
    if imported := [address for kind, address in met if kind == OperationKind.IMPORT]:
        lines.append(f"> **It destroys what was imported since that release**: {_named(imported)}.")
    if let_go := [address for kind, address in met if kind == OperationKind.FORGET]:
        lines.append(
            f"> **It creates a second time what was taken out of the state since that release**: {_named(let_go)}."
        )
    return "\n> \n".join(["> [!CAUTION]\n" + lines[0], *lines[1:]]) + "\n\n" if lines else ""


def _lasting(revert: Revert, summary: PlanSummary) -> str:
    """Return one line per kind of irreversible effect."""
    lines = []
    if summary.risk.stateful:
        lines.append(f"- The data of {_named(summary.risk.stateful)}: it goes with them.")
    made = [row.address for row in summary.resources if row.action in {Action.REPLACE, Action.ADD}]
    if made:
        lines.append(f"- The ids of {_named(made)}: they get new ones.")
    lost: Any = revert.notes.get("provisioners") or ()
    if lost:
        lines.append(
            f"- What {_named(lost)} would have done when destroyed: that provisioner exists only in the newer code"
            " and does not run."
        )
    lines.append(
        "- What the newer release has written into data that stays, and what others have read from it."
    )
    return "\n".join(lines) + "\n"


def _named(addresses: Sequence[str]) -> str:
    shown = ", ".join(code(address, limit=150) for address in addresses[:_MOST])
    more = len(addresses) - _MOST
    return f"{shown} and {more} more" if more > 0 else shown


def completed_parts(view: RevertView | None, summary: PlanSummary) -> Iterator[Part]:
    """Yield the notes for an empty plan that shows an interrupted revert had in fact completed."""
    if view is None or view.revert.finished_at is None or summary.has_changes:
        return
    yield Part(text="**The revert that was cut off has done all of its work.**\n\n")
    yield Part(text=_checked(view))


def reverted_parts(view: RevertView | None, run: Run) -> Iterator[Part]:
    """Yield the results of the checks after a revert."""
    if view is None:
        return
    yield Part(text=f"It is back at release {_release(view.target, view.revert)}.\n\n")
    yield Part(text=_checked(view))
    waived: Any = run.detail.get("waived")
    if isinstance(waived, list) and waived:
        said = "; ".join(prose(str(each), limit=300) for each in waived[:_MOST])
        yield Part(text=f"Not asked of a revert: {said}.\n\n")


def _checked(view: RevertView) -> str:
    """Return the lines on the results of the checks, and what follows from them."""
    revert, found, env = view.revert, view.revert.found, view.revert.stack.env
    lines = [f"- {_replanned(found)}", f"- {_outputs(found)}"]
    took = duration(revert.asked_at, revert.finished_at)
    if took is not None and revert.finished_at is not None:
        lines.append(
            f"- Time to recover: **{took}**, from {_second(revert.asked_at)} (`/revert`) to"
            f" {_second(revert.finished_at)} (checked)."
        )
    lines.append(
        f"- {code(env, limit=60)} is **on hold**, so that nothing rolls it forward again, until"
        f" {code(f'/unhold {env}', limit=100)}{_or_completed(revert)}."
    )
    if revert.opened_why:
        lines.append(f"- {prose(revert.opened_why, limit=500)}")
    return "\n".join(lines) + "\n\n"


def _replanned(found: Any) -> str:
    match found.get("replan"):
        case "empty":
            return "✅ Planned again, it has nothing left to do."
        case "changes":
            return "❌ **Planned again, it still has something to do**: read the run before going on."
        case _:
            why = prose(str(found.get("problem") or "nobody has looked"), limit=300)
            return f"⚠️ Whether anything is left to do is not known: {why}."


def _outputs(found: Any) -> str:
    differ = found.get("outputs")
    if differ is None:
        return "⚠️ The outputs could not be compared."
    if not differ:
        return "✅ The outputs are those of that release."
    return f"⚠️ These outputs are not those of that release: {_named(differ)}."


def _or_completed(revert: Revert) -> str:
    if revert.opened_pull is None:
        return ""
    return f", or until pull request #{revert.opened_pull}, which takes the change out of the base, is applied or merged"


def _second(at: Any) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
