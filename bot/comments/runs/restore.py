"""`/state restore`: its consequences and its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, counted, minute, next_line, short, steps
from bot.comments.runs.errored_state import RescueView
from bot.comments.runs.report import RunView, facts, number, string
from bot.domain.core.model import RunStatus, Stack
from bot.domain.state.known_objects import Known
from bot.domain.state.restore import Comparison, Found, comparison_of
from bot.ports import StateVersion

_MEANINGS = {
    "orphans": (
        "forgotten",
        (
            "Not in the restored state: these objects keep running, but Terraform no longer manages them, and"
            " where the code still has the address, the next apply creates a duplicate."
        ),
    ),
    "ghosts": (
        "added back to the state",
        (
            "Only in the restored state: these objects may no longer exist. Terraform re-creates the ones"
            " that it finds missing. Types that it cannot refresh, such as `terraform_data`, stay in the state. Objects that"
            " were moved to another state are managed twice."
        ),
    ),
    "renamed": (
        "known by another address",
        (
            "In both states, under another address: code with the newer address destroys and re-creates them,"
            " unless a `moved` block names both addresses."
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """The consequences of restoring a snapshot."""

    stack: Stack
    source: StateVersion
    serial: int
    """The serial that it would be written with."""
    found: Found
    believed: StateVersion | None
    current_serial: int | None
    comparison: Comparison
    command: str
    """The command that confirms it, for an administrator."""
    errored_states: Sequence[RescueView] = ()
    """States of this stack that Terraform could not save."""
    reference: str | None = None


def versions_comment(stack: Stack, versions: Sequence[StateVersion], *, reference: str | None = None) -> str:
    """Return the table of stored versions, newest first."""
    first = header("restore", env=stack.env, project=stack.project, status="versions", ref=reference)
    if not versions:
        return (
            f"{first}\n### 🛟 {text(stack.label)}: no version of its state was kept\n\n"
            "Gatewright has changed nothing there yet.\n"
        )
    rows = [
        f"| {each.identity.serial} | {minute(each.taken_at)} | {each.moment} run {code(each.run_id)} |"
        f" {short(each.commit)} | {code(each.actor, limit=60)} | {code((each.identity.lineage or '')[:8])} |\n"
        for each in versions
    ]
    return fit(
        [
            Part(text=f"{first}\n### 🛟 {text(stack.label)}: versions of its state\n\n"),
            Part(
                text="| Serial | Kept | When | Commit | By | Lineage |\n| --- | --- | --- | --- | --- | --- |\n"
            ),
            *(Part(text=row, drop=Drop.ROW) for row in rows),
            Part(text="\n"),
            Part(text="", is_note=True),
            Part(
                text="Of versions with the same serial the newest is meant. To see what restoring one would bring"
                f" about, comment {code(command('state restore', stack, 'SERIAL'))}.\n"
            ),
        ]
    )


def proposal_comment(view: ProposalView) -> str:
    """Return the lists, their count and the command that confirms it."""
    stack, source = view.stack, view.source
    first = header("restore", env=stack.env, project=stack.project, status="proposed", ref=view.reference)
    count = view.comparison.count
    kept = f"kept {source.moment} run {code(source.run_id)} of {code(source.actor, limit=60)}"
    return fit(
        [
            Part(
                text=f"{first}\n### 🛟 {text(stack.label)}: restoring serial {source.identity.serial} concerns"
                f" {counted(count, 'object')}\n\n**Nothing was changed.**\n\n"
            ),
            Part(
                text=f"- The snapshot: {kept}, commit {short(source.commit)}, {minute(source.taken_at)}\n"
                f"- {_compared(view)}\n"
                f"- It would be written with its lineage and as serial {view.serial}, above every serial ever used;"
                " every plan would be void, and the environment on hold until a plan made after it is applied.\n\n"
            ),
            Part(text=_rescues(view)),
            *lists(view.comparison),
            Part(text="", is_note=True),
            Part(
                text="What Terraform created or destroyed stays as it is: a state is only what it believes. To undo a"
                f" change, use {code(command('revert', stack))}.\n\n"
            ),
            Part(text=f"To restore it, an administrator comments {code(view.command)}.\n"),
        ]
    )


def restore_comment(view: RunView) -> str:
    """Return the result of a restore, and the next steps."""
    run = view.run
    if run.detail.get("problem") == "refused":
        return _refused(view)
    status = "restored" if run.status is RunStatus.SUCCEEDED else str(run.status)
    first = header("restore", env=run.stack.env, project=run.stack.project, run=run.id, status=status)
    mark = "🛟" if run.status is RunStatus.SUCCEEDED else "❌"
    title = "its state was restored" if run.status is RunStatus.SUCCEEDED else f"restore {run.status}"
    return fit(
        [
            Part(
                text=f"{first}\n### {mark} {text(run.stack.label)}: {title.replace('_', ' ')}\n\n{facts(view)}\n"
            ),
            Part(text=f"{prose(run.summary or '', limit=500)}\n\n"),
            *_ending(view),
            Part(text=steps(_next(view))),
        ]
    )


def lists(found: Comparison, counts: Mapping[str, int] | None = None) -> Iterator[Part]:
    """Yield the non-empty lists; of an executed restore, `counts` has their full lengths."""
    every = {
        "orphans": [_row(each) for each in found.orphans],
        "ghosts": [_row(each) for each in found.ghosts],
        "renamed": [f"{_row(pair.now)}, as {code(pair.then.address)}" for pair in found.renamed],
    }
    for name, rows in every.items():
        what, meaning = _MEANINGS[name]
        count = max(len(rows), (counts or {}).get(name, 0))
        title = f"{count} would be {what}" if counts is None else f"{what.capitalize()} now: {count}"
        if count:
            yield Part(text=f"**{title}.** {meaning}\n\n")
        for row in rows:
            yield Part(text=f"- {row}\n", drop=Drop.ROW, group=name)
        if count > len(rows):
            yield Part(text=f"- and {count - len(rows)} more\n")
        yield Part(text="\n", frame_of=name)


def _row(known: Known) -> str:
    return f"{code(known.address)}, {'no id' if known.id is None else f'id {code(known.id, limit=200)}'}"


def _compared(view: ProposalView) -> str:
    if view.found is Found.STATE:
        return f"Compared with the state of now, serial {view.current_serial}"
    what = (
        "**The object in the bucket is not a readable state**; it will be kept byte for byte"
        if view.found is Found.UNREADABLE
        else "**There is no state object in the bucket**"
    )
    if view.believed is None:
        return f"{what}. No older version can be read either, so there is nothing to compare with"
    version = view.believed
    return (
        f"{what}. Compared with its newest readable snapshot instead: serial {version.identity.serial},"
        f" {version.moment} run {code(version.run_id)}, {minute(version.taken_at)}"
    )


def _rescues(view: ProposalView) -> str:
    if not view.errored_states:
        return ""
    serials = ", ".join(str(rescue.serial) for rescue in view.errored_states)
    return (
        "> [!CAUTION]\n> Terraform could not save a newer state of this stack, and it is kept"
        f" (serial {serials}): `/status` shows how it is recovered. After a restore it cannot be pushed any more.\n\n"
    )


def _ending(view: RunView) -> Iterator[Part]:
    detail = view.run.detail
    if view.run.status is RunStatus.SUCCEEDED:
        before = number(detail, "serial_before")
        was = (
            "what was there could not be read and is kept byte for byte"
            if before is None
            else f"it was {before}"
        )
        yield Part(
            text=f"- The serial is now {number(detail, 'serial_after')} ({was}); the lineage is the same.\n"
            "- Every plan of the stack is void.\n"
            f"- {text(view.run.stack.env)} is **on hold** until a plan that was made after this is applied.\n\n"
        )
        yield from lists(comparison_of(detail), detail.get("counts"))
    elif string(detail, "state") in {"changed", "unknown"}:
        yield Part(
            text="Every plan of the stack is void, and the environment is **on hold**. Before anything else, look at the"
            " state with the command below.\n\n"
        )
    yield Part(text="", is_note=True)


def _next(view: RunView) -> Iterator[Step]:
    run, stack = view.run, view.run.stack
    if run.status is RunStatus.SUCCEEDED:
        yield Step(
            sentence="To see what the code makes of it, on an open pull request",
            command=command("plan", stack),
        )
        if comparison_of(run.detail).orphans:
            said = "To take in what was forgotten, with the address that the code has and the id above"
            yield Step(sentence=said, command=command("import", stack, "ADDRESS", "ID"))
        yield Step(
            sentence="If that plan changes nothing, to go on as before", command=f"/unhold {stack.env}"
        )
    else:
        yield Step(sentence="To see which versions there are", command=command("state restore", stack))


def _refused(view: RunView) -> str:
    run = view.run
    found = (run.detail.get("refusals") or [{}])[0]
    first = header(
        "refusal",
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        status="refused",
        reason=string(found, "reason"),
    )
    return (
        f"{first}\n### 🚫 {text(run.stack.label)}: not restored\n\n{facts(view)}\nNothing was changed."
        f" {prose(string(found, 'sentence'), limit=500)}\n\n{next_line(string(found, 'opens_with'))}"
    )
