"""The comment of an `/apply` of several projects: a row and folded details for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.comments.markdown.budget import Drop, Part, fit
from bot.comments.markdown.escape import code, link, text
from bot.comments.markdown.header import StackStatus, header
from bot.comments.markdown.words import Step, counted, duration, short, steps
from bot.comments.runs.apply import STATUS, TITLES, change_steps, ending_parts, refused_gates, what_was_done
from bot.comments.runs.report import RunView, facts, string
from bot.domain.core.model import Run, RunStatus
from bot.domain.core.outcome import Outcome
from bot.domain.core.run_lifecycle import TERMINAL

_SKIPPED = "skipped"


def apply_command_comment(views: Sequence[RunView]) -> str:
    """Return the comment on the runs of one command, in order; it is edited as they end."""
    first = views[0].run
    lead = header(
        "apply",
        env=first.stack.env,
        head=first.head_sha,
        status=_status([view.run for view in views]),
        ref=first.correlation_id,
        stacks=[_stack_status(view.run) for view in views],
    )
    by = f"Requested by {code(first.actor, limit=60)} · commit {short(first.head_sha)}"
    ended = sorted(
        (view for view in views if _has_ended(view.run)), key=lambda view: not _went_wrong(view.run)
    )
    return fit(
        [
            Part(text=f"{lead}\n{_title(views)}\n\n{by}\n\n"),
            Part(text="| Project | Result | Took | Log |\n| --- | --- | --- | --- |\n"),
            *(Part(text=_row(view)) for view in views),
            Part(text="\n"),
            *(part for view in ended for part in _details(view)),
            Part(text="The whole logs are on the pages of the runs.", is_note=True),
            Part(text=steps(_steps(views))),
        ]
    )


def _title(views: Sequence[RunView]) -> str:
    runs = [view.run for view in views]
    env, done = text(runs[0].stack.env), sum(run.status is RunStatus.SUCCEEDED for run in runs)
    of = f"{done} of {counted(len(runs), 'project')} applied"
    stopped = next((run for run in runs if _went_wrong(run)), None)
    if stopped is not None:
        mark = TITLES.get(stopped.status, ("❌", ""))[0]
        return f"### {mark} {env}: {of}, stopped at {text(stopped.stack.label, limit=100)}"
    if done == len(runs):
        bad = sum(bool(_failed_checks(view)) for view in views)
        checks = f", checks of {bad} not passed" if bad else ""
        return f"### {'⚠️' if bad else '✅'} {env}: {counted(done, 'project')} applied{checks}"
    return f"### ⏳ {env}: applying, {of}"


def _status(runs: Sequence[Run]) -> str:
    """Return the status of the command as a whole."""
    stopped = next((run for run in runs if _went_wrong(run)), None)
    if stopped is not None:
        return STATUS.get(stopped.status, "failed")
    return "applied" if all(run.status is RunStatus.SUCCEEDED for run in runs) else "applying"


def _stack_status(run: Run) -> StackStatus:
    return StackStatus(
        env=run.stack.env,
        project=run.stack.project,
        run=run.id,
        plan=run.plan_id,
        status=STATUS.get(run.status, "applying"),
    )


def _row(view: RunView) -> str:
    run = view.run
    took = duration(run.started_at, run.finished_at) or ""
    log = link("log", view.run_url) if view.run_url and not _was_skipped(run) else ""
    return f"| {text(run.stack.label, limit=100)} | {_result(view)} | {took} | {log} |\n"


def _result(view: RunView) -> str:
    run = view.run
    if _was_skipped(run):
        return "⏭️ not applied"
    if run.status not in TERMINAL:
        return "⏳ queued" if run.status is RunStatus.QUEUED else "⏳ applying"
    if refused_gates(run):
        return "🚫 not applied: a gate is shut"
    if run.status is RunStatus.SUCCEEDED and view.plan is not None:
        done = what_was_done(view.plan) or "only outputs changed"
        return f"⚠️ {done}, checks {made}" if (made := _failed_checks(view)) else f"✅ {done}"
    mark, title = TITLES[run.status]
    return f"{mark} {title}"


def _failed_checks(view: RunView) -> str:
    """Return the outcome of the checks after the apply, empty unless something is wrong with it."""
    made = view.verification
    is_fine = made is None or not made.checks or made.outcome is Outcome.PASS
    return "" if is_fine or made is None else str(made.outcome)


def _details(view: RunView) -> Iterator[Part]:
    """Yield the folded record of an ended run; what went wrong is open."""
    run, key = view.run, view.run.id
    is_open = " open" if _went_wrong(run) else ""
    mark, title = TITLES[run.status]
    yield Part(
        text=f"<details{is_open}><summary>{mark} {text(run.stack.label, limit=100)}: {title}</summary>\n\n",
        frame_of=key,
    )
    yield Part(text=f"{facts(view)}\n", drop=None if is_open else Drop.ROW, group=key)
    for part in ending_parts(view):
        yield replace(
            part,
            drop=part.drop or (None if is_open or part.frame_of else Drop.DETAIL),
            group=None if part.frame_of else (key if part.group is None else f"{key}:{part.group}"),
            frame_of=None if part.frame_of is None else f"{key}:{part.frame_of}",
        )
    yield Part(text="\n</details>\n\n", frame_of=key)


def _steps(views: Sequence[RunView]) -> Iterator[Step]:
    env = views[0].run.stack.env
    stopped = next((view for view in views if _went_wrong(view.run)), None)
    if stopped is not None:
        yield from change_steps(stopped)
        if len(views) > 1:
            yield Step(
                sentence="To apply it and the projects after it, once its new plan is right",
                command=f"/apply {env}",
            )
    elif all(_has_ended(view.run) for view in views):
        offered = {step.command: step for view in views for step in change_steps(view)}
        yield from offered.values()
    else:
        yield Step(sentence="To see what is running", command="/status")


def _has_ended(run: Run) -> bool:
    return run.status in TERMINAL and not _was_skipped(run)


def _went_wrong(run: Run) -> bool:
    return _has_ended(run) and run.status is not RunStatus.SUCCEEDED


def _was_skipped(run: Run) -> bool:
    return string(run.detail, "problem") == _SKIPPED
