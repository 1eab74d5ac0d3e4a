"""The OpenAPI 3.1 document of `/api/v1`, from the models of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.domain.core.model import FailureClass, RunStatus
from bot.services.run_records.filters import DEFAULT_LIMIT, KINDS, LARGEST_LIMIT
from bot.services.run_records.models import PolicyDetail, PolicyPage, RunDetail, RunPage, Timeline


class Error(BaseModel):
    """Why a request was refused."""

    error: str
    request_id: str


_MODELS: Final = (RunPage, RunDetail, Timeline, PolicyPage, PolicyDetail, Error)
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TIME: Final[dict[str, Any]] = {"type": "string", "examples": ["2026-01-31", "2026-01-31T09:30:00+01:00"]}
_LIMIT: Final[dict[str, Any]] = {
    "type": "integer",
    "minimum": 1,
    "maximum": LARGEST_LIMIT,
    "default": DEFAULT_LIMIT,
}
_FILTERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "repo": ("Repository, as OWNER/NAME.", _TEXT),
    "project": ("Project.", _TEXT),
    "env": ("Environment.", _TEXT),
    "pull": ("Pull request.", {"type": "integer", "minimum": 0, "maximum": 999_999_999}),
    "kind": ("What the run does.", {"type": "string", "enum": [*map(str, KINDS)]}),
    "status": ("Status.", {"type": "string", "enum": [*map(str, RunStatus)]}),
    "failure_class": ("What the run failed of.", {"type": "string", "enum": [*map(str, FailureClass)]}),
    "actor": ("Login of who requested it.", _TEXT),
    "since": ("Requested then or later; UTC where no zone is given.", _TIME),
    "until": ("Requested before.", _TIME),
    "correlation_id": ("Caused by the same delivery.", _TEXT),
    "release_candidate": ("Commit that was run.", {"type": "string", "pattern": "^[0-9a-fA-F]{40}$"}),
    "has_risk_summary": ("Whether the risk of its plan is recorded.", {"type": "boolean"}),
    "before": ("Runs older than this one: `next` of the page before.", _TEXT),
    "limit": ("Runs on a page.", _LIMIT),
}
_PAGE: Final = {
    "before": ("Versions older than this digest: `next` of the page before.", _TEXT),
    "limit": ("Versions on a page.", _LIMIT),
}

_SESSION: Final = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__Host-gatewright_session",
    "description": "The cookie of the web pages' login.",
}


def document(version: str) -> dict[str, Any]:
    """Return the document."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatewright",
            "version": version,
            "description": "Records of runs and policies. All that a caller may not read does not exist (404).",
        },
        "paths": _paths(),
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"session": _SESSION}},
        "security": [{"session": []}],
    }


def _paths() -> dict[str, Any]:
    return {
        "/api/v1/runs": _get("List runs, newest first.", RunPage, query=_FILTERS),
        "/api/v1/runs/{id}": _get("Show a run.", RunDetail, path=("id",)),
        "/api/v1/runs/{id}/timeline": _get("Show the transitions of a run.", Timeline, path=("id",)),
        "/api/v1/repos/{owner}/{name}/policies": _get(
            "List the versions of a policy, newest first.",
            PolicyPage,
            path=("owner", "name"),
            query=_PAGE,
        ),
        "/api/v1/repos/{owner}/{name}/policies/{digest}": _get(
            "Show a version of a policy; `in-force` stands for the current one.",
            PolicyDetail,
            path=("owner", "name", "digest"),
        ),
    }


def _get(
    summary: str,
    model: type[BaseModel],
    *,
    path: Sequence[str] = (),
    query: dict[str, tuple[str, dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    in_path = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in path]
    in_query = [
        {"name": name, "in": "query", "description": about, "schema": schema}
        for name, (about, schema) in (query or {}).items()
    ]
    refused = {
        "400": "A parameter cannot mean anything; the answer names it.",
        "401": "A login is needed.",
        "404": "There is nothing here, or nothing that the caller may see.",
        "503": "GitHub or the database does not answer.",
    }
    return {
        "get": {
            "summary": summary,
            "parameters": [*in_path, *in_query],
            "responses": {
                "200": _content("The records.", model),
                **{status: _content(why, Error) for status, why in refused.items()},
            },
        }
    }


def _content(about: str, model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": about, "content": {"application/json": {"schema": schema}}}
