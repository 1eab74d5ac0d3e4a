"""`/runs/{id}` and its log, for those who may read the repository; to all others there is no such run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.domain.lifecycle import TERMINAL
from bot.domain.model import Login, Run, RunId
from bot.domain.plan import PlanRecord
from bot.ports import TimelineEntry
from bot.web.login import login_address
from bot.web.pages.render import page
from bot.web.services import SERVICES, Pages

_ID: Final = re.compile(r"[a-z0-9]{1,32}")
_LOG_SHOWN: Final = 200_000
"""Characters of a log on the page; the whole is one link away."""
_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
"""Terminal sequences, control characters, and those that make text read in another order than it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    login: Login
    pages: Pages
    run: Run
    timeline: Sequence[TimelineEntry]
    plan: PlanRecord | None


async def show(request: web.Request) -> web.Response:
    """Show what a run is, did and said."""
    found = await _find(request)
    log = await found.pages.read_log(found.run)
    return page(
        request,
        "run.html.j2",
        run=found.run,
        plan=found.plan,
        plan_text=None if found.plan is None else plain(found.plan.summary.text),
        timeline=found.timeline,
        log=None if log is None else plain(log[-_LOG_SHOWN:]),
        log_cut=log is not None and len(log) > _LOG_SHOWN,
        login=found.login,
        github_url=found.pages.oauth.github_url,
        unfinished=found.run.status not in TERMINAL,
    )


async def show_log(request: web.Request) -> web.Response:
    """Return the whole stored log as text."""
    found = await _find(request)
    log = await found.pages.read_log(found.run)
    if log is None:
        raise web.HTTPNotFound
    return web.Response(text=plain(log), content_type="text/plain")


def plain(text: str) -> str:
    """Return text without anything that could make a reader see something else than is there."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


async def _find(request: web.Request) -> _Found:
    """Return the run; a redirect to the login for the unknown, 404 for those who may not read it."""
    services = request.app[SERVICES]
    pages = services.pages
    if pages is None:
        raise web.HTTPNotFound
    login = pages.oauth.sessions.login(request)
    if login is None:
        # Before the run is looked up: a stranger does not learn which runs exist.
        raise web.HTTPSeeOther(login_address(request.path))
    wanted = RunId(request.match_info["id"])
    if not _ID.fullmatch(wanted):
        raise web.HTTPNotFound
    async with services.records.read() as reader:
        run = await reader.run(wanted)
        timeline = await reader.timeline(wanted)
        plan = await reader.plan(run.plan_id) if run is not None and run.plan_id is not None else None
    if run is None or not await pages.authorise(login, run):
        raise web.HTTPNotFound
    return _Found(login=login, pages=pages, run=run, timeline=timeline, plan=plan)
