"""`/runs/{id}` and its log as text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Run
from bot.web.pages.finding import find_run, plain, visit_of
from bot.web.pages.render import page
from bot.web.services import SERVICES, Logs

_LOG_SHOWN: Final = 200_000
"""Characters of a log on the page; the whole is one link away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    text: str | None
    lines: int
    """Where the live view goes on."""
    is_cut: bool


async def show(request: web.Request) -> web.Response:
    """Show what a run is, did and said."""
    visit = visit_of(request)
    # The log is read first: a run that is unfinished afterwards goes on from where this log ends.
    found = await find_run(request, visit)
    log = await _log(visit.pages.logs, found.run)
    async with request.app[SERVICES].records.read() as reader:
        run = await reader.run(found.run.id) or found.run
        timeline = await reader.timeline(run.id)
        plan = None if run.plan_id is None else await reader.plan(run.plan_id)
    return page(
        request,
        "run.html.j2",
        run=run,
        plan=plan,
        plan_text=None if plan is None else plain(plan.summary.text),
        timeline=timeline,
        log=log,
        session=visit.session,
        github_url=visit.pages.oauth.github_url,
        unfinished=run.status not in TERMINAL,
    )


async def show_log(request: web.Request) -> web.Response:
    """Return the log as text, as far as it goes."""
    visit = visit_of(request)
    found = await find_run(request, visit)
    log = await visit.pages.logs.read(found.run.id)
    if log is None:
        raise web.HTTPNotFound
    return web.Response(text=await asyncio.to_thread(plain, log), content_type="text/plain")


async def _log(logs: Logs, run: Run) -> _Log:
    lines = [] if run.status in TERMINAL else await logs.lines(run.id)
    text = "".join(f"{line}\n" for line in lines) or await logs.read(run.id)
    if text is None:
        return _Log(text=None, lines=0, is_cut=False)
    shown = plain(text[-_LOG_SHOWN:])
    return _Log(text=shown, lines=len(lines), is_cut=len(text) > _LOG_SHOWN)
