"""The command table of the parser's tests: one spec for every shape of command that there is."""

from __future__ import annotations

import pytest

from bot.domain.commands.parser import CommandSpec, ParameterKind
from tests.unit.domain.commands.specs import SPECS

BY_NAME = {spec.name: spec for spec in SPECS}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_text_is_the_last_parameter_of_a_command(spec: CommandSpec) -> None:
    kinds = [parameter.kind for parameter in spec.parameters]

    assert ParameterKind.TEXT not in kinds[:-1]
