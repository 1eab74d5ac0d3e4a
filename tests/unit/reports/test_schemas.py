from __future__ import annotations

import pytest

from bot.reports.kinds import KINDS, Kind
from tests.unit.reports.schemas import SCHEMAS, content_of


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_schema_of_each_kind_is_current(kind: Kind) -> None:
    file = SCHEMAS / f"{kind.name}.json"

    assert file.read_text(encoding="utf-8") == content_of(kind), "run make docs"


def test_no_schema_is_left_over() -> None:
    assert {file.stem for file in SCHEMAS.iterdir()} - {"openapi"} == set(KINDS)
