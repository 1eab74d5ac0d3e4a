from __future__ import annotations

import re

import pytest

from bot.policy import load_policy
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
