"""`/environments`: how the environments of a repository are that the user may read."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from bot.web.pages.finding import plain, visit_of
from bot.web.pages.render import page
from bot.web.services import SERVICES

_MOST_REPOS: Final = 100
"""Repositories whose rights are asked, the most recently active first."""


async def show(request: web.Request) -> web.Response:
    """Show a repository (by default the most recently active) or one of its environments.

    404 for a repository that the user may not read, and for an unknown environment.
    """
    visit = await visit_of(request)
    async with request.app[SERVICES].records.read() as reader:
        active = await reader.active_repos(limit=_MOST_REPOS)
    repos = await visit.pages.visitors.readable(visit.session.account, active)
    wanted = request.query.get("repo", "").strip().lower()
    chosen = next((repo for repo in repos if wanted in {"", repo.lower()}), None)
    if chosen is None and wanted:
        raise web.HTTPNotFound
    env = request.query.get("env", "").strip()
    view = None if chosen is None else await visit.pages.overview.of(chosen, env=env or None)
    if view is not None and view.problem is None and env not in {"", *view.environments}:
        raise web.HTTPNotFound
    return page(
        request,
        "environments.html.j2",
        repos=repos,
        view=view,
        env=env,
        problem=None if view is None or view.problem is None else plain(view.problem),
        session=visit.session,
        github_url=visit.pages.oauth.github_url,
    )
