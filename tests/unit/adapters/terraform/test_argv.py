from __future__ import annotations

import pytest

from bot.adapters.terraform.argv import FLAG, TerraformArgv, plan_options
from bot.domain.core.errors import TerraformError

TERRAFORM = TerraformArgv(["/opt/engine", "run"])


def test_options_are_written_as_terraform_wants_them() -> None:
    argv = TERRAFORM.build(
        "plan",
        input=False,
        no_color=FLAG,
        parallelism=4,
        out="/box/plan",
        var_file=None,
        target=["a.b", 'c.d["e f"]'],
    )

    assert argv == (
        "/opt/engine",
        "run",
        "plan",
        "-input=false",
        "-no-color",
        "-parallelism=4",
        "-out=/box/plan",
        "-target=a.b",
        '-target=c.d["e f"]',
    )


def test_positionals_come_last() -> None:
    assert TERRAFORM.build("apply", "/box/plan", no_color=FLAG)[-2:] == ("-no-color", "/box/plan")


def test_a_positional_cannot_be_an_option() -> None:
    with pytest.raises(ValueError, match="must not look like an option"):
        TERRAFORM.build("apply", "-auto-approve")


def test_a_mapping_is_refused_before_the_library_writes_a_file() -> None:
    with pytest.raises(ValueError, match="not by mapping"):
        TERRAFORM.build("plan", var={"a": "b"})  # type: ignore[arg-type]


def test_an_unknown_attribute_is_not_a_subcommand() -> None:
    assert not hasattr(TERRAFORM, "fmt")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["-target=a.b"], {"target": ["a.b"]}),
        (["-target", "a.b", "-target=c.d"], {"target": ["a.b", "c.d"]}),
        (['-replace=a.b["x=y"]'], {"replace": ['a.b["x=y"]']}),
        (["--refresh=false", "-parallelism", "3"], {"refresh": ["false"], "parallelism": ["3"]}),
    ],
    ids=["none", "joined", "apart", "with an equals sign", "two dashes"],
)
def test_allowed_arguments_become_options(arguments: list[str], options: dict[str, list[str]]) -> None:
    assert plan_options(arguments) == options


@pytest.mark.parametrize(
    "arguments",
    [["-var=a=b"], ["-out=x"], ["-state=x"], ["-lock=false"], ["plain"], ["-"], [""], ["-target"]],
    ids=["var", "out", "state", "lock", "positional", "dash", "empty", "no value"],
)
def test_other_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(TerraformError):
        plan_options(arguments)


def test_an_option_is_never_taken_for_the_value_of_another() -> None:
    with pytest.raises(TerraformError, match="needs a value"):
        plan_options(["-target", "-out=x"])
