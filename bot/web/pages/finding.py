"""Find the run of a request; 404 for people who may not read its repository."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.domain.core.model import Run, RunId
from bot.web.login import login_address
from bot.web.services import SERVICES
from bot.web.visits import Visit, current_visit

RUN_ID: Final = re.compile(r"[a-z0-9]{1,32}")
_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Terminal sequences, control characters, and those that reorder displayed text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A run that the user may see."""

    visit: Visit
    run: Run


async def visit_of(request: web.Request) -> Visit:
    """Return who looks; a redirect to the login for the unknown, 404 where there are no pages."""
    if request.app[SERVICES].pages is None:
        raise web.HTTPNotFound
    visit = await current_visit(request)
    if visit is None:
        # Before anything is looked up: a stranger does not learn what exists.
        raise web.HTTPSeeOther(login_address(request.path_qs))
    return visit


async def find_run(request: web.Request, visit: Visit) -> Found:
    """Return the run of the path; 404 when there is none, or none that the user may see."""
    wanted = RunId(request.match_info["id"])
    if not RUN_ID.fullmatch(wanted):
        raise web.HTTPNotFound
    async with request.app[SERVICES].records.read() as reader:
        run = await reader.run(wanted)
    if run is None or not await visit.pages.visitors.may_read(visit.session.account, run):
        raise web.HTTPNotFound
    return Found(visit=visit, run=run)


def plain(text: str) -> str:
    """Return text without characters that hide or reorder displayed text."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))
