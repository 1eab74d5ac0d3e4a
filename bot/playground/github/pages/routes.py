"""The routes of the pages."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.playground.github.errors import ApiError
from bot.playground.github.hub import Hub
from bot.playground.github.pages.editor import Editor
from bot.playground.github.pages.forms import Forms
from bot.playground.github.pages.rendering import HERE, page_headers
from bot.playground.github.pages.views import Views

Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]
STATIC = {"style.css": "text/css", "live.js": "text/javascript", "mark.svg": "image/svg+xml"}


class Pages:
    """All pages and forms."""

    def __init__(self, hub: Hub) -> None:
        self._views = Views(hub)
        self._forms = Forms(hub)
        self._editor = Editor(hub)

    def add_routes(self, app: web.Application) -> None:
        """Add the routes to the application."""
        views, forms, editor = self._views, self._forms, self._editor
        repo = "/{owner}/{repo}"
        pull = f"{repo}/pull/{{number}}"
        pages: dict[str, Answerer] = {
            "/": views.home,
            "/_static/{name}": self._static,
            "/avatars/{number}.svg": views.avatar,
            f"{repo}": views.repo,
            f"{repo}/new": editor.new,
            f"{repo}/commit/{{sha}}": views.commit,
            f"{repo}/blob/{{rest:.+}}": views.blob,
            f"{repo}/tree/{{rest:.+}}": views.repo,
            f"{repo}/runs/{{run}}": views.run,
            f"{repo}/issues/{{number}}": views.issue,
            f"{pull}": views.pull,
            f"{pull}/files": views.files,
            f"{pull}/commits": views.commits,
            f"{pull}/fragment": views.fragment,
            f"{pull}/edit": editor.edit,
        }
        sent: dict[str, Answerer] = {
            "/_act-as": forms.act_as,
            f"{repo}/new": forms.open,
            f"{repo}/runs/{{run}}": forms.check,
            f"{pull}/comment": forms.comment,
            f"{pull}/checks": forms.rerun,
            f"{pull}/review": forms.review,
            f"{pull}/dismiss": forms.dismiss,
            f"{pull}/merge": forms.merge,
            f"{pull}/state": forms.state,
            f"{pull}/base": forms.base,
            f"{pull}/edit": forms.push,
        }
        for path, handler in pages.items():
            app.router.add_get(path, self._guarded(handler))
        for path, handler in sent.items():
            app.router.add_post(path, self._guarded(handler))

    def _guarded(self, handler: Answerer) -> Answerer:
        """Refusals become pages; redirects pass."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except web.HTTPRedirection:
                raise
            except (ApiError, web.HTTPException) as error:
                return self._views.guarded(request, error)

        return handle

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        text = (HERE / "static" / name).read_text(encoding="utf-8")
        headers = {**page_headers(), "Cache-Control": "max-age=60"}
        return web.Response(text=text, content_type=STATIC[name], headers=headers)
