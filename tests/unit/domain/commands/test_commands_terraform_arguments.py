from __future__ import annotations

import pytest

from bot.domain.commands.parser import Command, Problem, parse
from bot.domain.commands.terraform_arguments import (
    ALLOWED,
    is_address,
    is_partial,
    is_resource_address,
    parse_arguments,
)
from bot.domain.core.refusals import Reason, Refusal
from tests.unit.domain.commands.specs import SPECS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("/plan -- -target=aws_vpc.a", ("-target=aws_vpc.a",), id="joined"),
        pytest.param("/plan -- -target aws_vpc.a", ("-target=aws_vpc.a",), id="apart"),
        pytest.param("/plan -- --target=aws_vpc.a", ("-target=aws_vpc.a",), id="two hyphens"),
        pytest.param("/plan -- '-target=a.b[\"c\"]'", ('-target=a.b["c"]',), id="quoted as a whole"),
        pytest.param("/plan -- -target='a.b[\"c\"]'", ('-target=a.b["c"]',), id="value quoted"),
        pytest.param('/plan -- -target=a.b[\\"c\\"]', ('-target=a.b["c"]',), id="escaped"),
        pytest.param('/plan -- -target="a.b[\\"c\\"]"', ('-target=a.b["c"]',), id="escaped in quotes"),
        pytest.param('/plan -- -target=a.b["c d"]', ('-target=a.b["c d"]',), id="not quoted at all"),
        pytest.param("/plan -- -replace=a.b -refresh=false", ("-replace=a.b", "-refresh=false"), id="two"),
        pytest.param("/plan -- -target=a.b -target=a.b", ("-target=a.b",), id="twice the same"),
        pytest.param("/plan -- -parallelism=05", ("-parallelism=5",), id="number"),
        pytest.param("/plan —  -refresh=false", ("-refresh=false",), id="em dash of a phone"),
        pytest.param("/plan --", (), id="none"),
    ],
)
def test_allowed_arguments_are_normalised(line: str, expected: tuple[str, ...]) -> None:
    result = parse(line, SPECS)

    assert isinstance(result, Command)
    assert result.arguments == expected


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("-out=x", "`-out`"),
        ("-out x", "`-out`"),
        ("-lock=false", "`-lock`"),
        ("-lock-timeout=1s", "`-lock-timeout`"),
        ("-state=x", "`-state`"),
        ("-chdir=..", "`-chdir`"),
        ("-var a=b", "`-var`"),
        ("--var=a=b", "`-var`"),
        ("-var-file=x", "`-var-file`"),
        ("-backend-config=x", "`-backend-config`"),
        ("-destroy", "`-destroy`"),
        ("-refresh-only", "`-refresh-only`"),
        ("-generate-config-out=x", "`-generate-config-out`"),
        ("-TARGET=a.b", "`-TARGET`"),
        ("-refresh=true", "`-refresh=false`"),
        ("-refresh", "`-refresh=false`"),
        ("-parallelism=0", "1 to 50"),
        ("-parallelism=51", "1 to 50"),
        ("-parallelism=\u0665", "1 to 50"),
        ("-parallelism=1 -parallelism=2", "twice"),
        ("-target", "`-target` needs"),
        ("-target=", "`-target` needs"),
        ("-target=-out=x", "`-out=x`"),
        ("-target -out=x", "`-out=x`"),
        ("-replace=module.a", "managed resource"),
        ("-replace=data.a.b", "managed resource"),
        ("---target=a.b", "is not a Terraform argument"),
        ("-", "is not a Terraform argument"),
        ("a.b", "is not a Terraform argument"),
        ("-=x", "is not a Terraform argument"),
        (" ".join(["-target=a.b"] * 101), "More than 50"),
    ],
)
def test_everything_else_is_refused_by_name(argument: str, named: str) -> None:
    result = parse(f"/plan staging -- {argument}", SPECS)

    assert isinstance(result, Problem)
    assert result.reason is Reason.ARGUMENT
    assert named in result.sentence
    assert all(allowed in result.sentence for allowed in ALLOWED)


@pytest.mark.parametrize(
    "line", ["/apply prod -- -target=a.b", "/apply prod -target=a.b", "/destroy test --"]
)
def test_only_plan_takes_terraform_arguments(line: str) -> None:
    result = parse(line, SPECS)

    assert isinstance(result, Problem)
    assert result.reason is Reason.ARGUMENT
    assert "belong to `/plan`" in result.sentence


def test_an_argument_before_the_dashes_is_corrected() -> None:
    result = parse("/plan staging -target a.b", SPECS)

    assert isinstance(result, Problem)
    assert result.next_command == "/plan staging -- -target=a.b"
    assert isinstance(parse(result.next_command, SPECS), Command)


@pytest.mark.parametrize(
    "address",
    [
        "aws_vpc.main",
        "data.aws_ami.this",
        "aws_vpc.main[0]",
        'aws_vpc.main["a b/c.d"]',
        'aws_vpc.main["a\\"b\\\\"]',
        "module.net",
        'module.net["eu"].module.sub[3]',
        "module.net.aws_vpc.main",
        "module.net.data.aws_ami.this[1]",
        "module.module.aws_vpc.main",
        "_a-b._c-d",
    ],
)
def test_addresses_are_known(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "aws_vpc",
        "aws_vpc.",
        ".main",
        "-aws.vpc",
        "aws_vpc.main.id",
        "aws_vpc.main[]",
        "aws_vpc.main[-1]",
        "aws_vpc.main[x]",
        'aws_vpc.main["x]',
        'aws_vpc.main["${x}"]',
        'aws_vpc.main["%{x}"]',
        'aws_vpc.main["a\nb"]',
        'aws_vpc.main["a\u200bb"]',
        'aws_vpc.main["\\n"]',
        "aws_vpc.main[0][1]",
        "aws_vpc.main\n",
        "module.",
        "data.x",
        "data.module.x",
        "module.net.aws_vpc",
        "aws vpc.main",
        "aws_vpc.ma$(id)in",
        "\u0430ws_vpc.main",
        "a." + "b" * 499,
    ],
)
def test_what_is_no_address_is_not(address: str) -> None:
    assert not is_address(address)
    assert not is_resource_address(address)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), False),
        (("-parallelism=3",), False),
        (("-replace=a.b",), False),
        (("-replace=a.b", "-target=a.b"), True),
        (("-refresh=false",), True),
    ],
)
def test_a_targeted_or_unrefreshed_plan_is_partial(arguments: tuple[str, ...], *, expected: bool) -> None:
    assert is_partial(arguments) is expected


def test_normalised_arguments_stay_as_they_are() -> None:
    arguments = ('-target=a.b["c d"]', "-replace=a.b", "-refresh=false", "-parallelism=7")

    assert parse_arguments(arguments) == arguments
    assert not isinstance(parse_arguments(arguments), Refusal)
