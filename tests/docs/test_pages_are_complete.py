from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from bot.cli import app
from bot.domain.refusals import Reason
from bot.policy import json_schema
from bot.settings import PREFIX, Settings
from handlers import SPECS
from tests.docs.generate import REASONS
from tests.docs.pages import README, blocks, read
from tests.docs.policy_pages import NOT_YET, SECTIONS


def test_every_command_is_in_the_readme() -> None:
    text = read(README).replace("\\|", "|")

    assert [spec.usage for spec in SPECS if f"| `{spec.usage}` |" not in text] == []


def test_every_setting_is_in_the_readme() -> None:
    text = read(README)

    assert [name for name in Settings.model_fields if f"| `{PREFIX}{name.upper()}` |" not in text] == []


def test_every_refusal_code_is_explained_in_the_readme() -> None:
    text = read(README)

    assert set(REASONS) == set(Reason)
    assert [reason for reason in Reason if f"| `{reason}` |" not in text] == []


def test_every_route_is_in_the_readme() -> None:
    routes = re.findall(r'web\.(?:get|post)\("([^"]+)"', read("bot/web/app.py"))

    assert routes
    assert [route for route in routes if f"{route}`" not in read(README)] == []


def test_the_readme_names_the_programs_commands_and_no_others() -> None:
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    known |= {str(group.name) for group in app.registered_groups}

    shown = {
        name
        for block in blocks(README, "console")
        for name in re.findall(r"^\$ gatewright (\w+)", block, re.MULTILINE)
    }

    assert {"doctor", "migrate", "serve"} <= shown <= known


@pytest.mark.parametrize("name", sorted(json_schema()["$defs"]))
def test_every_mapping_of_the_policy_has_its_section(name: str) -> None:
    assert name in {model.__name__ for model in SECTIONS.values()}


@pytest.mark.parametrize("model", NOT_YET, ids=lambda model: model.__name__)
def test_keys_that_wait_for_their_code_are_keys(model: type[BaseModel]) -> None:
    assert NOT_YET[model] <= set(model.model_fields)
