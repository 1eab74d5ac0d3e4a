"""`/runs`: the runs of every repository that the user may read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from bot.domain.core.model import RunId, RunKind, RunStatus
from bot.ports import RunFilter
from bot.web.pages.finding import RUN_ID, visit_of
from bot.web.pages.render import page
from bot.web.services import SERVICES

_Word = TypeVar("_Word", bound=StrEnum)
_PAGE: Final = 50
_MOST_REPOS: Final = 100
"""Repositories whose rights are read for one list, the most recently active first."""
_NAME: Final = re.compile(r"[\w.\-\[\]/]{1,140}")
_NUMBER: Final = re.compile(r"#?([0-9]{1,9})")
_FIELDS: Final = ("repo", "pull", "env", "kind", "status", "actor")


async def show_list(request: web.Request) -> web.Response:
    """Show a page of runs, newest first; a filter that cannot mean anything is a 400."""
    visit = await visit_of(request)
    given = {name: request.query.get(name, "").strip() for name in _FIELDS}
    async with request.app[SERVICES].records.read() as reader:
        active = await reader.active_repos(limit=_MOST_REPOS)
    repos = await visit.pages.visitors.readable(visit.session.account, active)
    wanted = _filter(given, repos, request.query.get("before", ""))
    async with request.app[SERVICES].records.read() as reader:
        runs = await reader.find_runs(wanted, limit=_PAGE + 1)
    chosen = {name: value for name, value in given.items() if value}
    older = urlencode(chosen | {"before": runs[_PAGE - 1].id}) if len(runs) > _PAGE else None
    return page(
        request,
        "runs.html.j2",
        runs=runs[:_PAGE],
        repos=repos,
        kinds=[kind for kind in RunKind if kind is not RunKind.UNKNOWN],
        statuses=list(RunStatus),
        given=given,
        is_filtered=bool(chosen),
        older=older,
        newest=urlencode(chosen) if wanted.before is not None else None,
        session=visit.session,
        github_url=visit.pages.oauth.github_url,
    )


def _filter(given: Mapping[str, str], repos: tuple[str, ...], before: str) -> RunFilter:
    number = _NUMBER.fullmatch(given["pull"]) if given["pull"] else None
    names_fit = all(_NAME.fullmatch(given[name]) for name in ("repo", "env", "actor") if given[name])
    if not names_fit or (given["pull"] and number is None) or (before and not RUN_ID.fullmatch(before)):
        raise web.HTTPBadRequest
    # Another repository's name is treated like one that does not exist.
    chosen = [repo for repo in repos if not given["repo"] or repo.lower() == given["repo"].lower()]
    return RunFilter(
        repos=chosen,
        pull=None if number is None else int(number[1]),
        env=given["env"] or None,
        kind=_word(RunKind, given["kind"]),
        status=_word(RunStatus, given["status"]),
        actor=given["actor"] or None,
        before=RunId(before) if before else None,
    )


def _word(words: type[_Word], value: str) -> _Word | None:
    if not value:
        return None
    try:
        return words(value)
    except ValueError:
        raise web.HTTPBadRequest from None
