"""Turning templates into pages, with the headers every page has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from bot.playground.github.hub import Hub

HERE = Path(__file__).parent
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page_response(
    hub: Hub,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    form_targets: tuple[str, ...] = (),
) -> web.Response:
    """A page. `form_targets` are origins, besides our own, that a form may lead to by redirect."""
    text = ENVIRONMENT.get_template(template).render(
        extra_links=hub.config.extra_links, app_name=hub.config.app_name, **values
    )
    response = web.Response(status=status, text=text, content_type="text/html")
    response.headers.update(page_headers(form_targets))
    return response


def page_headers(form_targets: tuple[str, ...] = ()) -> dict[str, str]:
    """Forbid foreign content, inline scripts and frames."""
    targets = " ".join(["'self'", *form_targets])
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
