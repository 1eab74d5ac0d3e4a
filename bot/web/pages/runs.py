"""`/runs/{id}` and its log as text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.domain.core.model import Run, RunKind
from bot.domain.core.run_lifecycle import TERMINAL
from bot.domain.gates import GateResult
from bot.domain.plans.plan import PlanRecord
from bot.ports import Artifact, Download, Reader, TimelineEntry
from bot.services.pages.run_actions import NEEDED_TO_CANCEL
from bot.services.reporting.posting import sticky_key
from bot.web.pages.finding import find_run, plain, visit_of
from bot.web.pages.render import page
from bot.web.services import SERVICES, Logs
from bot.web.visits import Visit

_LOG_SHOWN: Final = 200_000
"""Characters of a log on the page; the whole is one link away."""
_ROWS_SHOWN: Final = 500
"""Resources in the table; the text of the plan has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    text: str | None
    lines: int
    """Offset from which the live view continues."""
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """The records of a run."""

    run: Run
    timeline: Sequence[TimelineEntry]
    plan: PlanRecord | None
    gates: Sequence[GateResult]
    artifacts: Sequence[Artifact]
    downloads: Sequence[Download]
    comments: Sequence[tuple[str, int]]
    """What each is, and its id on GitHub."""


async def show(request: web.Request) -> web.Response:
    """Show a run with its timeline and log."""
    visit = await visit_of(request)
    # The log is read first: a run that is unfinished afterwards goes on from where this log ends.
    found = await find_run(request, visit)
    log = await _log(visit.pages.logs, found.run)
    async with request.app[SERVICES].records.read() as reader:
        records = await _read(reader, found.run)
    run, plan, unfinished = records.run, records.plan, records.run.status not in TERMINAL
    return page(
        request,
        "run.html.j2",
        records=records,
        run=run,
        plan=plan,
        plan_text=None if plan is None else plain(plan.summary.text),
        resources=() if plan is None else plan.summary.resources[:_ROWS_SHOWN],
        log=log,
        session=visit.session,
        github_url=visit.pages.oauth.github_url,
        unfinished=unfinished,
        may_cancel=unfinished and run.cancel_requested_by is None and await _may_cancel(visit, run),
        may_download=bool(records.artifacts) and await _may_download(visit, run),
    )


async def show_log(request: web.Request) -> web.Response:
    """Return the log so far as text."""
    visit = await visit_of(request)
    found = await find_run(request, visit)
    log = await visit.pages.logs.read(found.run.id)
    if log is None:
        raise web.HTTPNotFound
    return web.Response(text=await asyncio.to_thread(plain, log), content_type="text/plain")


async def _may_cancel(visit: Visit, run: Run) -> bool:
    """Whether the user may cancel the run; asks GitHub only where the answer can matter."""
    held = await visit.pages.visitors.permission(visit.session.account, run)
    return held.allows(NEEDED_TO_CANCEL) and await visit.pages.acts.may_cancel(run, visit.session.account)


async def _may_download(visit: Visit, run: Run) -> bool:
    return await visit.pages.acts.may_download(run, visit.session.account)


async def _read(reader: Reader, run: Run) -> _Records:
    run = await reader.run(run.id) or run
    return _Records(
        run=run,
        timeline=await reader.timeline(run.id),
        plan=None if run.plan_id is None else await reader.plan(run.plan_id),
        gates=await reader.gates(run.id),
        artifacts=await reader.artifacts(run.id),
        downloads=await reader.downloads(run.id),
        comments=await _comments(reader, run),
    )


async def _comments(reader: Reader, run: Run) -> Sequence[tuple[str, int]]:
    if run.pull is None:
        return ()
    repo = run.stack.repo
    if run.kind is RunKind.PLAN:
        report = await reader.remote_id(repo, sticky_key(run.pull, run.stack.project, run.stack.env))
        word = f"the plan comment of {run.stack.label}"
    else:
        report, word = await reader.remote_id(repo, f"report:{run.id}"), "the report"
    found = (("the command", run.comment_id), (word, report))
    return tuple((word, comment) for word, comment in found if comment)


async def _log(logs: Logs, run: Run) -> _Log:
    lines = [] if run.status in TERMINAL else await logs.lines(run.id)
    text = "".join(f"{line}\n" for line in lines) or await logs.read(run.id)
    if text is None:
        return _Log(text=None, lines=0, is_cut=False)
    shown = plain(text[-_LOG_SHOWN:])
    return _Log(text=shown, lines=len(lines), is_cut=len(text) > _LOG_SHOWN)
