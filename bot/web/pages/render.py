"""Templates: everything is escaped, nothing undefined passes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import jinja2
from aiohttp import web

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("bot.web.pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _moment(value: datetime | None) -> str:
    return "not yet" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _span(start: datetime | None, end: datetime | None) -> str:
    """Return a duration as people read it: `4 s`, `3 min 12 s`, `1 h 5 min`."""
    if start is None or end is None:
        return "not yet"
    seconds = max(0, round((end - start).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _words(value: str) -> str:
    """Return a code as people read it: `timed_out` becomes `timed out`."""
    return value.replace("_", " ")


_ENVIRONMENT.filters["words"] = _words
_ENVIRONMENT.filters["moment"] = _moment
_ENVIRONMENT.filters["span"] = _span


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """Return a rendered page."""
    del request
    text = _ENVIRONMENT.get_template(template).render(values)
    return web.Response(text=text, status=status, content_type="text/html")


def error_page(request: web.Request, status: int, word: str, request_id: str) -> web.Response:
    """Return what people see when something is not there or failed."""
    return page(request, "error.html.j2", status=status, code=status, word=word, request_id=request_id)
