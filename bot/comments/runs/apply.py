"""The result of an apply, revert or destroy: what has changed, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import address, code, link, prose, text
from bot.comments.markdown.header import header
from bot.comments.markdown.words import Step, command, next_line, sentence, steps, tally
from bot.comments.runs.omissions import omissions
from bot.comments.runs.operation import operation_done
from bot.comments.runs.report import RunView, facts, log_block, number, string, strings
from bot.comments.runs.revert import reverted_parts
from bot.comments.runs.verification import verified_part
from bot.domain.core.model import Run, RunKind, RunStatus
from bot.domain.plans.plan import Action, PlanRecord

_MOST_REFUSALS = 20
_LONGEST_OUTPUT = 200
STATUS: Final = {
    RunStatus.SUCCEEDED: "applied",
    RunStatus.FAILED: "failed",
    RunStatus.INTERRUPTED: "interrupted",
    RunStatus.CANCELED: "canceled",
    RunStatus.TIMED_OUT: "timed_out",
}
TITLES: Final = {
    RunStatus.SUCCEEDED: ("✅", "applied"),
    RunStatus.FAILED: ("❌", "the apply failed"),
    RunStatus.INTERRUPTED: ("⚠️", "the apply was interrupted"),
    RunStatus.CANCELED: ("🚫", "the apply was canceled"),
    RunStatus.TIMED_OUT: ("⏱️", "the apply took too long and was stopped"),
}
_REVERTS = {
    RunStatus.SUCCEEDED: "reverted",
    RunStatus.FAILED: "the revert failed",
    RunStatus.INTERRUPTED: "the revert was interrupted",
    RunStatus.CANCELED: "the revert was canceled",
    RunStatus.TIMED_OUT: "the revert took too long and was stopped",
}
_DONE = {
    Action.DESTROY: "destroyed",
    Action.REPLACE: "replaced",
    Action.FORGET: "forgotten",
    Action.CHANGE: "changed",
    Action.ADD: "added",
    Action.IMPORT: "imported",
    Action.MOVE: "moved",
}
_ERRORED_STATE = (
    "> [!CAUTION]\n> Terraform could not save the state. What it knows is kept in `errored.tfstate` in the working"
    " directory, which is not deleted. An operator must release the state lock and push that file before anything"
    " else is applied: `/status` has the commands.\n\n"
)


def apply_comment(view: RunView) -> str:
    """Return the comment on an ended apply.

    `run.detail` is as the services record it: serials before and after, the end of the log, outputs that are
    not sensitive; or the `problem` `refused` with the gates that were shut before the start.
    """
    run = view.run
    if refused_gates(run):
        return _refused(view)
    mark, title = TITLES.get(run.status, ("⏳", "the apply has not ended"))
    if run.kind is RunKind.REVERT:
        title = _REVERTS.get(run.status, title)
    first = _lead(run, run.kind, STATUS.get(run.status, str(run.status)))
    return fit(
        [
            Part(text=f"{first}\n### {mark} {text(run.stack.label)}: {title}\n\n{facts(view)}\n"),
            *ending_parts(view),
            Part(text=_kept(view)),
            Part(text=f"The whole log is on {link('the run page', view.run_url)}.", is_note=True),
            Part(text=steps(change_steps(view))),
        ]
    )


def _lead(run: Run, kind: str, status: str, reasons: Sequence[str] = ()) -> str:
    return header(
        kind,
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        plan=run.plan_id,
        head=run.head_sha,
        status=status,
        reason=reasons[0] if reasons else None,
        reasons=reasons if len(reasons) > 1 else (),
        ref=run.correlation_id if run.kind is RunKind.APPLY else None,
    )


def change_steps(view: RunView) -> Sequence[Step]:
    """Return the next commands after an ended change."""
    return (*(view.next_steps or _usual_steps(view)), *_unlocking(view))


def refused_gates(run: Run) -> bool:
    """Whether the run was not started because a gate had shut."""
    return string(run.detail, "problem") == "refused"


def ending_parts(view: RunView) -> Iterator[Part]:
    """Yield the parts between the title of an ended change and its next steps."""
    yield Part(text=_ERRORED_STATE if view.run.detail.get("errored_state") else "")
    yield from _ENDINGS.get(view.run.status, _nothing)(view)


def _applied(view: RunView) -> Iterator[Part]:
    outputs = _outputs(view.run.detail.get("outputs"))
    if view.plan is not None:
        done = what_was_done(view.plan) or "Only outputs were changed"
        yield Part(text=f"{done}. {_serials(view.run.detail)}\n\n")
    else:
        yield Part(text=f"{_serials(view.run.detail)}\n\n")
    yield from reverted_parts(view.revert, view.run)
    yield Part(text="" if view.plan is None else operation_done(view.plan))
    url = outputs.pop(view.url_output or "", None)
    if url:
        yield Part(text=f"**URL: {address(url)}**\n\n")
    yield Part(text="| Output | Value |\n| --- | --- |\n", frame_of="outputs")
    for name, value in outputs.items():
        shown = code(value, limit=_LONGEST_OUTPUT) if value else ""
        yield Part(text=f"| {code(name, limit=100)} | {shown} |\n", drop=Drop.DETAIL, group="outputs")
    yield Part(text="\n", frame_of="outputs")
    if view.verification is not None:
        yield Part(text=verified_part(view.verification))
    kept = strings(view.run.detail, "artifacts")[:10]
    if kept:
        names = ", ".join(code(name, limit=100) for name in kept)
        what = "Artifact" if len(kept) == 1 else "Artifacts"
        yield Part(text=f"{what}: {names} (encrypted; download on {link('the run page', view.run_url)})\n\n")


def _failed(view: RunView) -> Iterator[Part]:
    detail = view.run.detail
    code_said = number(detail, "exit_code")
    why = f"Terraform ended with exit code {code_said}." if code_said else sentence(_message(view))
    yield Part(text=f"{why} {what_changed(detail)}{_replanned(view)}\n")
    unseen = omissions(detail)
    yield Part(text=unseen and f"\n{unseen}")
    yield Part(text=log_block(detail) + "\n")


def _stopped(view: RunView) -> Iterator[Part]:
    detail = view.run.detail
    if detail.get("started") is False:
        yield Part(text=f"{sentence(_message(view))} Terraform was not started, so nothing was changed.\n\n")
        return
    stopper = string(detail, "stopped_by") or view.run.cancel_requested_by
    by = f" by {code(stopper, limit=60)}" if stopper and view.run.status is RunStatus.CANCELED else ""
    yield Part(
        text=f"Terraform was asked to stop{by} and has ended. {what_changed(detail)}{_replanned(view)}\n"
    )
    yield Part(text=log_block(detail) + "\n")


def _interrupted(view: RunView) -> Iterator[Part]:
    detail = view.run.detail
    yield Part(
        text="The machine that ran Terraform was lost before the apply had ended. It is not repeated automatically.\n\n"
    )
    match string(detail, "state"):
        case "locked":
            holder = string(detail, "lock_holder")
            by = f" by {code(holder)}" if holder else ""
            yield Part(
                text=f"- **The state is still locked**{by}: what was created is unknown, also where the serial did not change.\n"
                f"- {_serials(detail)}\n- Before anything else is applied, an operator must make sure that no Terraform"
                " runs any more, and release the lock.\n\n"
            )
        case "changed":
            yield Part(
                text=f"- **The state was changed.** {_serials(detail)}\n- An empty new plan means that all of it was applied.\n\n"
            )
        case "unknown":
            yield Part(
                text="- **Whether the state was changed is unknown**: it could not be read for too long"
                f" ({prose(_message(view), limit=300)}).\n- An empty new plan means that all of it was applied.\n\n"
            )
        case _:
            yield Part(
                text=f"- **No change is recorded.** {_serials(detail)}\n- Terraform's lock is free. Something may"
                " have been created just before the end that the state does not know of.\n\n"
            )
    yield Part(text=_replanned(view).strip() + "\n\n")


def _nothing(_: RunView) -> Iterator[Part]:
    yield from ()


_ENDINGS: Mapping[RunStatus, Callable[[RunView], Iterator[Part]]] = {
    RunStatus.SUCCEEDED: _applied,
    RunStatus.FAILED: _failed,
    RunStatus.CANCELED: _stopped,
    RunStatus.TIMED_OUT: _stopped,
    RunStatus.INTERRUPTED: _interrupted,
}


def _refused(view: RunView) -> str:
    """Return the gates that were shut before the apply started."""
    run = view.run
    found = run.detail.get("refusals")
    gates = (
        [gate for gate in found if isinstance(gate, Mapping)][:_MOST_REFUSALS]
        if isinstance(found, list)
        else []
    )
    reasons = list(dict.fromkeys(string(gate, "reason") or "gate" for gate in gates)) or ["gate"]
    first = _lead(run, "refusal", "refused", reasons)
    lines = [
        f"- **{text(string(gate, 'gate'), limit=40)}**: {prose(string(gate, 'sentence'), limit=600)}\n"
        for gate in gates
    ]
    opener = next((string(gate, "opens_with") for gate in gates if gate.get("opens_with")), None)
    return (
        f"{first}\n### 🚫 {text(run.stack.label)}: not applied\n\n{facts(view)}\n"
        f"Nothing was changed. The gates were asked again just before the start, and not all were open:\n\n"
        f"{''.join(lines)}\n{next_line(opener or command('plan', run.stack))}"
    )


def _outputs(recorded: Any) -> dict[str, str]:
    """Return the outputs that may be shown: strings, or Terraform's non-sensitive objects."""
    shown: dict[str, str] = {}
    for name, value in recorded.items() if isinstance(recorded, Mapping) else ():
        if isinstance(value, str):
            shown[str(name)] = value
        elif isinstance(value, Mapping) and value.get("sensitive") is False:
            inner = value.get("value")
            shown[str(name)] = inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)
    return shown


def _message(view: RunView) -> str:
    return string(view.run.detail, "message") or view.run.summary or "It ended without saying why."


def what_was_done(plan: PlanRecord) -> str:
    """Return what was changed, `2 destroyed, 8 added`; empty if only outputs were."""
    return ", ".join(f"{count} {_DONE[action]}" for action, count in tally(plan.summary.counts))


def _serials(detail: Mapping[str, Any]) -> str:
    before, after = number(detail, "serial_before"), number(detail, "serial_after")
    if before is None and after is None:
        return "There is no state."
    if before == after:
        return f"State unchanged (serial {after})."
    if before is None:
        return f"First state written (serial {after})."
    return f"State serial {before} → {'none' if after is None else after}."


def what_changed(detail: Mapping[str, Any]) -> str:
    """Return how a failed change has changed the state."""
    if "changed" not in detail:
        return "Terraform was not started, so nothing was changed."
    if detail["changed"]:
        return f"Part of the plan was applied. {_serials(detail)}"
    return f"No change is recorded. {_serials(detail)}"


def _replanned(view: RunView) -> str:
    return " A new plan was started; it shows what is left to do." if view.replanned else ""


def _kept(view: RunView) -> str:
    """Return that the stack stays locked, if the result of the run does not show it."""
    if not _is_left_locked(view):
        return ""
    name = text(view.run.stack.label, limit=100)
    return f"This pull request keeps {name} locked until it is merged or unlocked.\n\n"


def _unlocking(view: RunView) -> Iterator[Step]:
    if _is_left_locked(view):
        sentence = "To let other pull requests apply, once it is as it should be"
        yield Step(sentence=sentence, command=command("unlock", view.run.stack))


def _is_left_locked(view: RunView) -> bool:
    return view.keeps_lock and view.run.status in {RunStatus.FAILED, RunStatus.INTERRUPTED}


def _usual_steps(view: RunView) -> Sequence[Step]:
    stack, state = view.run.stack, string(view.run.detail, "state")
    # Named, because a bare `/revert` would go one further back if everything was done after all.
    to = () if view.revert is None else ("to", str(view.revert.revert.target))
    again = command("revert", stack, *to) if view.run.kind is RunKind.REVERT else command("plan", stack)
    if view.run.status is RunStatus.SUCCEEDED:
        return (Step(sentence="To see every environment of this pull request", command="/status"),)
    if state == "locked":
        return (Step(sentence="When the lock is released, to see what is left to do", command=again),)
    if view.replanned and view.run.kind is not RunKind.REVERT:
        return (
            Step(sentence="Read the new plan; then, to apply it", command=command("apply", stack)),
            Step(sentence="To see what is running", command="/status"),
        )
    return (Step(sentence="To see what is left to do", command=again),)
