"""Answer the requests of `/api/v1`; what may be seen is what the pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.domain.core.model import RunId
from bot.services.run_records.filters import FilterError
from bot.services.run_records.models import Model
from bot.services.run_records.reading import RecordMissingError, RunRecords, checked_digest
from bot.web.api.openapi import document
from bot.web.middleware import REQUEST_ID
from bot.web.pages.finding import RUN_ID
from bot.web.services import SERVICES
from bot.web.visits import Visit, current_visit

_MOST_REPOS: Final = 100
"""Repositories whose rights are read for one list, the most recently active first."""
IN_FORCE: Final = "in-force"
"""Stands for the digest of the policy in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request whose sender is known."""

    visit: Visit
    records: RunRecords
    query: Mapping[str, str]


async def describe(request: web.Request) -> web.Response:
    """Return the OpenAPI document."""
    return web.json_response(document(request.app[SERVICES].version))


async def list_runs(request: web.Request) -> web.Response:
    """Return a page of the runs of every repository that the user may read."""
    try:
        asked = await _asked(request)
        repos = await _readable(request, asked.visit)
        return _answer(await asked.records.page(asked.query, repos))
    except FilterError as error:
        return _refused(request, error)


async def show_run(request: web.Request) -> web.Response:
    """Return a run with its risk, gates and artifacts."""
    try:
        asked = await _asked(request, known=())
        return _answer(await asked.records.detail(await _run_id(request, asked)))
    except FilterError as error:
        return _refused(request, error)


async def show_timeline(request: web.Request) -> web.Response:
    """Return the transitions of a run."""
    try:
        asked = await _asked(request, known=())
        return _answer(await asked.records.timeline(await _run_id(request, asked)))
    except FilterError as error:
        return _refused(request, error)


async def list_policies(request: web.Request) -> web.Response:
    """Return a page of the versions of a repository's policy."""
    try:
        asked = await _asked(request, known=("before", "limit"))
        repo = await _repository(request, asked.visit)
        before, limit = asked.query.get("before"), asked.query.get("limit")
        return _answer(await asked.records.policies(repo, before=before, limit=limit))
    except FilterError as error:
        return _refused(request, error)


async def show_policy(request: web.Request) -> web.Response:
    """Return a version of a repository's policy with its text."""
    try:
        asked = await _asked(request, known=())
        repo = await _repository(request, asked.visit)
        digest = request.match_info["digest"]
        wanted = None if digest == IN_FORCE else checked_digest(digest)
        return _answer(await asked.records.policy(repo, wanted))
    except RecordMissingError:
        raise web.HTTPNotFound from None
    except FilterError as error:
        return _refused(request, error)


async def _asked(request: web.Request, *, known: tuple[str, ...] | None = None) -> _Asked:
    """Return who asks and for what; 401 without a login, FilterError for a wrong query.

    `known` are the names of its query, None where the filters check them.
    """
    if request.app[SERVICES].pages is None:
        raise web.HTTPNotFound
    visit = await current_visit(request)
    if visit is None:
        # Before anything is looked up: a stranger does not learn what exists.
        raise web.HTTPUnauthorized
    for name in request.query:
        if len(request.query.getall(name)) > 1:
            raise FilterError(f"{name[:100]!r} is given more than once")
        if known is not None and name not in known:
            raise FilterError(f"unknown parameter {name[:100]!r}")
    records = RunRecords(records=request.app[SERVICES].records)
    return _Asked(visit=visit, records=records, query=dict(request.query))


async def _readable(request: web.Request, visit: Visit) -> tuple[str, ...]:
    async with request.app[SERVICES].records.read() as reader:
        active = await reader.active_repos(limit=_MOST_REPOS)
    return await visit.pages.visitors.readable(visit.session.account, active)


async def _repository(request: web.Request, visit: Visit) -> str:
    """Return the repository of the path; 404 where it has no runs or may not be read."""
    wanted = f"{request.match_info['owner']}/{request.match_info['name']}".lower()
    found = [repo for repo in await _readable(request, visit) if repo.lower() == wanted]
    if not found:
        raise web.HTTPNotFound
    return found[0]


async def _run_id(request: web.Request, asked: _Asked) -> str:
    """Return the run of the path; 404 where there is none, or none that the user may see."""
    wanted = RunId(request.match_info["id"])
    if not RUN_ID.fullmatch(wanted):
        raise web.HTTPNotFound
    async with request.app[SERVICES].records.read() as reader:
        run = await reader.run(wanted)
    if run is None or not await asked.visit.pages.visitors.may_read(asked.visit.session.account, run):
        raise web.HTTPNotFound
    return run.id


def _answer(found: Model) -> web.Response:
    return web.json_response(found.to_json())


def _refused(request: web.Request, error: FilterError) -> web.Response:
    body = {"error": str(error), "request_id": request[REQUEST_ID]}
    return web.json_response(body, status=HTTPStatus.BAD_REQUEST)
