from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.domain.model import EnvName
from bot.policy import load_policy
from bot.settings import PREFIX, Settings, load
from tests.docs.pages import PAGES, README, ROOT, blocks, links, named_files, read

_MAKE = re.compile(r"(?:`|\$ )make ([a-z]+)")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    assert [target for target in links(page) if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    assert [path for path in named_files(page) if not (ROOT / path).exists()] == []


def test_the_readme_links_to_every_page() -> None:
    assert {page for page in PAGES if page != README} <= links(README)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))

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
    policy = load_policy(example)

    assert policy.environments


def test_the_smallest_policy_is_as_it_is_described() -> None:
    policy = load_policy(blocks("docs/policy.md", "yaml")[0])

    (stack,) = policy.stacks("acme/infra")
    assert (stack.state_key, stack.directory) == ("staging/terraform.tfstate", "terraform")
    assert policy.environment("staging").apply.allow_permission is None


def test_the_settings_example_is_accepted(tmp_path: Path) -> None:
    (example,) = blocks(README, "ini")
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

    assert {name for name in names if not re.fullmatch(r"STAGING_(PLAN_)?STATE_\w+", name)} <= known
