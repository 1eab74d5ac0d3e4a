from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from bot.domain.commands.planned import NOT_YET
from bot.domain.core.model import EnvName
from bot.policy import load_policy
from bot.services.data_refresh.runs import SOURCE, SOURCE_OUTPUTS, TARGET, TARGET_OUTPUTS
from bot.settings import PREFIX, Settings, load
from handlers import SPECS
from tests.docs.pages import PAGES, README, ROOT, anchors, blocks, headings, links, named_files, read, spans

_MAKE = re.compile(r"(?:`|\$ )make ([a-z-]+)")
_CLASS = re.compile(r"(?:[A-Z][a-z]+)+(?:\.\w+)?")
_COMMAND_LINE: Final = read("docs/command-line.md")
_TOP: Final = 'version: 1\nterraform: {version: "1.11.4"}\n'
"""What examples of environments leave out."""
_SYSTEM_PATHS: Final = {"data", "proc", "tmp", "work"}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    assert [target for target in links(page) if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    assert [path for path in named_files(page) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_every_class_that_is_named_exists(page: str) -> None:
    known = {name for folder in ("bot", "handlers") for name in defined_in(ROOT / folder)}

    named = {span for span in spans(page) if _CLASS.fullmatch(span)} - {"True", "False", "None"}

    assert named - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_heading_finds_it(page: str) -> None:
    assert [link for link in sorted(anchors(page)) if link[1] not in headings(link[0])] == []


def test_the_readme_is_short() -> None:
    assert len(read(README).splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES)
def test_every_slash_command_that_a_page_names_exists(page: str) -> None:
    known = {spec.name.partition(" ")[0] for spec in SPECS} | NOT_YET
    routes = set(re.findall(r'web\.(?:get|post)\("/(\w+)', read("bot/web/app.py")))

    named = {match[1] for span in spans(page) if (match := re.match(r"/([a-z]+)(?: |$)", span))}

    assert named - known - routes - _SYSTEM_PATHS == set()


def test_every_program_that_a_page_names_exists() -> None:
    known = {
        name.split()[1].strip("`")
        for name in re.findall(r"^\| (`gatewright [^|]*)", _COMMAND_LINE, re.MULTILINE)
    }
    shell = [block for page in PAGES for block in blocks(page, "console")]

    named = {
        name for block in shell for name in re.findall(r"^\$ (?:\S*/)?gatewright (\w+)", block, re.MULTILINE)
    }
    named |= {
        match[1]
        for page in PAGES
        for span in spans(page)
        if (match := re.match(r"gatewright ([a-z]+)", span))
    }

    assert {"doctor", "migrate", "serve", "worker", "local", "state"} <= named
    assert named - known - {"schema"} == set()


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))

    named = {target for page in PAGES for target in _MAKE.findall(read(page))}

    assert {"playground", "demo", "test"} <= named
    assert named <= targets


def test_the_policy_of_this_repository_is_valid() -> None:
    policy = load_policy(read("gatewright.yaml"))

    assert policy.environments == ("dev", "ci", "test", "staging", "prod")


@pytest.mark.parametrize(
    "example",
    [text for page in PAGES for text in blocks(page, "yaml")],
    ids=lambda text: f"{len(text)} characters",
)
def test_every_example_of_a_policy_is_valid(example: str) -> None:
    policy = load_policy(example if "version:" in example else f"{_TOP}{example}")

    assert policy.environments


@pytest.mark.parametrize("page", PAGES)
def test_every_row_of_a_table_is_one_line(page: str) -> None:
    rows = [line for line in read(page).splitlines() if line.startswith("| ")]

    assert [row for row in rows if not row.rstrip().endswith("|")] == []


def test_the_smallest_policy_is_as_it_is_described() -> None:
    policy = load_policy(blocks("docs/policy.md", "yaml")[0])

    (stack,) = policy.stacks("acme/infra")
    assert (stack.state_key, stack.directory) == ("staging/terraform.tfstate", "terraform")
    assert policy.environment("staging").apply.allow_permission is None


def test_the_settings_example_is_accepted(tmp_path: Path) -> None:
    (example,) = blocks("docs/install.md", "ini")
    file = tmp_path / "settings"
    file.write_text(example.replace("=...", "=" + "x" * 44), encoding="utf-8")

    settings, secrets = load(file)

    assert settings.session_key.get_secret_value() == "x" * 44
    assert set(secrets.credentials(EnvName("staging"), purpose="plan")) == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }


def test_every_setting_that_a_page_names_exists() -> None:
    names = {name for page in PAGES for name in re.findall(rf"{PREFIX}([A-Z0-9_]*[A-Z0-9])", read(page))}

    known = {name.upper() for name in Settings.model_fields}
    known |= {name.removeprefix(PREFIX) for name in (SOURCE, TARGET, SOURCE_OUTPUTS, TARGET_OUTPUTS)}

    assert {name for name in names if not re.fullmatch(r"STAGING_(PLAN_)?STATE_\w+", name)} <= known


def defined_in(folder: Path) -> Iterator[str]:
    """Give the classes of a folder's modules as `Class`, and their methods as `Class.method`."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name
                functions = (ast.FunctionDef, ast.AsyncFunctionDef)
                yield from (f"{node.name}.{each.name}" for each in node.body if isinstance(each, functions))
