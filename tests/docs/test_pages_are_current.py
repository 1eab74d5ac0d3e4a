from __future__ import annotations

import json

import pytest
from cogapp import Cog  # type: ignore[import-untyped]  # It has no types.

from bot.adapters.database.queries.audit import schema as audit_schema
from bot.domain.core.run_lifecycle import diagram
from bot.policy import json_schema
from tests.docs.env_example import example
from tests.docs.pages import GENERATED, ROOT, read


@pytest.mark.parametrize("page", GENERATED)
def test_a_generated_page_is_what_the_code_says(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    code = Cog().main(["cog", "--check", page])

    assert code == 0, f"{capsys.readouterr()}\n{page} is out of date: run `make docs`"


def test_the_check_notices_a_page_that_is_out_of_date(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stale = tmp_path_factory.mktemp("docs") / "stale.md"
    stale.write_text(read("docs/lifecycle.md").replace("queued --> preparing", "queued --> running"))
    monkeypatch.chdir(ROOT)

    code = Cog().main(["cog", "--check", str(stale)])

    assert code != 0


def test_the_lifecycle_page_shows_the_table_of_the_code() -> None:
    assert f"```mermaid\n{diagram()}\n```" in read("docs/lifecycle.md")


def test_the_schema_for_editors_is_that_of_the_policy() -> None:
    assert json.loads(read("docs/gatewright.schema.json")) == json_schema()


def test_the_schema_of_the_export_is_that_of_the_audit() -> None:
    assert json.loads(read("docs/audit.schema.json")) == audit_schema()


def test_the_example_of_settings_is_that_of_the_code() -> None:
    assert read("gatewright.env.example") == example()
