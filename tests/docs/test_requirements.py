from __future__ import annotations

import re
import tomllib
from itertools import chain

import pytest

from tests.docs.pages import ROOT

_BOUND = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(>=|==)([0-9][0-9.]*)$")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    return [*project["build-system"]["requires"], *project["project"]["dependencies"], *chain(*extras)]


def pinned() -> dict[str, str]:
    texts = [path.read_text() for path in (ROOT / "requirements").glob("*.txt")]
    return {normal(name): version for text in texts for name, version in _PIN.findall(text)}


def normal(name: str) -> str:
    return re.sub(r"[._-]+", "-", name).lower()


@pytest.mark.parametrize("requirement", declared())
def test_lower_bounds_are_the_versions_that_are_tested(requirement: str) -> None:
    bound = _BOUND.match(requirement)

    assert bound is not None, f"{requirement} has no lower bound"
    assert bound[3] == pinned()[normal(bound[1])]
