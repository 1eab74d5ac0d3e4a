from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from bot.domain.core.refusals import Reason
from bot.policy import json_schema
from bot.settings import PREFIX, Settings
from handlers import SPECS
from tests.docs.pages import PAGES, README, links, read
from tests.docs.policy_pages import NOT_YET, SECTIONS


def test_every_command_is_documented() -> None:
    text = read("docs/commands.md").replace("\\|", "|")

    assert [spec.usage for spec in SPECS if f"| `{spec.usage}` |" not in text] == []


def test_every_setting_is_documented() -> None:
    text = read("docs/settings.md")

    assert [name for name in Settings.model_fields if f"| `{PREFIX}{name.upper()}` |" not in text] == []


def test_the_example_file_has_every_setting_once() -> None:
    names = re.findall(rf"^#?{PREFIX}(\w+)=", read("gatewright.env.example"), re.MULTILINE)

    known = [name.upper() for name in Settings.model_fields]

    assert [name for name in names if "_STATE_" not in name] == known


def test_every_refusal_code_is_explained() -> None:
    text = read("docs/commands.md")

    assert [reason for reason in Reason if f"| `{reason}` | {reason.explanation} |" not in text] == []
    assert all(reason.explanation.endswith(".") for reason in Reason)


def test_every_route_is_documented() -> None:
    routes = re.findall(r'web\.(?:get|post)\("([^"]+)"', read("bot/web/app.py"))

    assert routes
    assert [route for route in routes if f"{route}`" not in read("docs/pages.md")] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, new = set[str](), {README}
    while new:
        reached |= new
        new = {link for page in new for link in links(page) if link in PAGES} - reached

    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("name", sorted(json_schema()["$defs"]))
def test_every_mapping_of_the_policy_has_its_section(name: str) -> None:
    assert name in {model.__name__ for model in SECTIONS.values()}


@pytest.mark.parametrize("model", NOT_YET, ids=lambda model: model.__name__)
def test_keys_that_wait_for_their_code_are_keys(model: type[BaseModel]) -> None:
    assert NOT_YET[model] <= set(model.model_fields)
