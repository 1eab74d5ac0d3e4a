"""Each command says in its spec what the dispatcher has to ask."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest

from bot.domain.commands.parser import Command, CommandSpec, ParameterKind, Right, StackChoice, parse
from handlers import COMMANDS, SPECS, commands


def test_every_module_of_the_package_is_in_the_table() -> None:
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}

    assert sorted(Path(str(vars(module)["__file__"])).stem for module in COMMANDS) == sorted(modules)
    assert len({spec.name for spec in SPECS}) == len(SPECS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_commands_examples_are_the_command(spec: CommandSpec) -> None:
    read = [parse(example, SPECS) for example in spec.examples]

    assert read
    assert spec.usage.split(" [")[0].startswith(f"/{spec.name}")
    assert [each.name for each in read if isinstance(each, Command)] == [spec.name] * len(read)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_what_a_spec_asks_can_be_asked(spec: CommandSpec) -> None:
    takes_environment = any(each.kind is ParameterKind.ENV for each in spec.parameters)

    # A right is asked in environments that exist, and no command is given the stacks of others than it names.
    assert spec.right is Right.NONE or spec.stacks is not StackChoice.NONE
    assert spec.stacks is StackChoice.NONE or takes_environment


def test_a_spec_that_says_nothing_is_strict() -> None:
    spec = CommandSpec(name="new", usage="/new", summary="", who="")

    assert spec.runs_pull_code
    assert spec.touches_state
