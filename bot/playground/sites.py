"""Serves the sites that the reference module writes, to show applies in a browser."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web


class SiteServer:
    """`GET /ENV/` serves the files of `root/ENV`; 404 for an environment without files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int) -> None:
        """Listen on 127.0.0.1; port 0 picks a free one."""
        self._root.mkdir(parents=True, exist_ok=True)
        app = web.Application()
        app.router.add_get("/", self._overview)
        app.router.add_get("/{path:.+}", self._file)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _overview(self, _: web.Request) -> web.Response:
        names = sorted(path.name for path in self._root.iterdir() if path.is_dir())
        items = "".join(f'<li><a href="/{name}/">{name}</a></li>' for name in names)
        page = f"<!doctype html><title>Environments</title><h1>Environments</h1><ul>{items or '<li>none yet</li>'}</ul>"
        return web.Response(text=page, content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        wanted = (self._root / request.match_info["path"]).resolve()
        if wanted.is_dir():
            wanted /= "index.html"
        if not wanted.is_relative_to(self._root.resolve()) or not wanted.is_file():
            return web.Response(status=404, text="This environment has not been applied yet.\n")
        return web.FileResponse(wanted, headers={"Cache-Control": "no-store"})
