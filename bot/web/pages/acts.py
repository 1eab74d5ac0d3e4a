"""Handle the forms of a run's page; 404 for people who may not see the run."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.domain.core.refusals import Reason, Refusal
from bot.web.pages.finding import find_run
from bot.web.pages.render import page
from bot.web.visits import Visit, sender

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


async def cancel(request: web.Request) -> web.Response:
    """Ask the run to end, as `/cancel RUN` does."""
    visit = await sender(request)
    found = await find_run(request, visit)
    refused = await visit.pages.acts.cancel(found.run, visit.session.account)
    if refused is not None:
        return _refused(request, visit, refused)
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"/runs/{found.run.id}"})


async def download(request: web.Request) -> web.Response:
    """Hand out an artifact to those who may have it."""
    visit = await sender(request)
    found = await find_run(request, visit)
    name = request.match_info["name"]
    given = await visit.pages.acts.download(found.run, name, visit.session.account)
    if isinstance(given, Refusal):
        return _refused(request, visit, given)
    file = _UNSAFE.sub("_", f"{found.run.stack.env}-{name}")
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return web.Response(body=given, content_type="application/octet-stream", headers=headers)


def _refused(request: web.Request, visit: Visit, refusal: Refusal) -> web.Response:
    status = HTTPStatus.FORBIDDEN if refusal.reason is Reason.PERMISSION else HTTPStatus.CONFLICT
    return page(
        request,
        "refused.html.j2",
        status=status,
        sentence=refusal.sentence,
        reason=refusal.reason,
        session=visit.session,
        back=f"/runs/{request.match_info['id']}",
    )
