from __future__ import annotations

import re
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from bot.services.run_records.filters import NAMES
from bot.web.api.openapi import document
from tests.unit.web.openapi import FILE, content

_APP = Path(__file__).parents[3] / "bot" / "web" / "app.py"


def test_document_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == content(), "run make docs"


def test_document_is_openapi() -> None:
    OpenAPIV31SpecValidator(document("v1")).validate()


def test_document_has_every_route() -> None:
    routes = set(re.findall(r'web\.get\("(/api/v1/[^"]+)"', _APP.read_text(encoding="utf-8")))

    assert set(document("v1")["paths"]) == routes - {"/api/v1/openapi.json"}


def test_document_has_every_filter() -> None:
    parameters = document("v1")["paths"]["/api/v1/runs"]["get"]["parameters"]

    assert tuple(each["name"] for each in parameters) == NAMES
