from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands.parser import parse
from bot.domain.commands.terraform_arguments import is_managed_address, is_resource_address
from bot.domain.core.model import OperationKind, StateOperation
from bot.domain.hcl.scanner import hcl_tokens
from bot.domain.hcl.text import hcl_string
from bot.domain.state.operations import arguments_of, block, command_of, hint, orphaned_work
from handlers import SPECS
from tests.fakes.records.builders import stack


def imported(address: str = "terraform_data.a", object_id: str = "a-1") -> StateOperation:
    return StateOperation(kind=OperationKind.IMPORT, address=address, object_id=object_id)


def forgotten(address: str = "terraform_data.a") -> StateOperation:
    return StateOperation(kind=OperationKind.FORGET, address=address)


def resource(
    address: str, *actions: str, importing: bool = False, before: str | None = None
) -> dict[str, Any]:
    change: dict[str, Any] = {"actions": list(actions)}
    if importing:
        change["importing"] = {"id": "a-1"}
    return {"address": address, "previous_address": before, "mode": "managed", "change": change}


def test_an_import_is_declared_with_its_id_as_plain_text() -> None:
    assert block(imported('module.m["x y"].aws_vpc.a[0]', 'a"b\\c')) == (
        'import {\n  to = module.m["x y"].aws_vpc.a[0]\n  id = "a\\"b\\\\c"\n}\n'
    )


def test_letting_go_is_declared_without_destroying() -> None:
    assert block(forgotten("module.legacy")) == (
        "removed {\n  from = module.legacy\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
    )


@pytest.mark.parametrize(
    "address",
    [
        pytest.param('aws_vpc.a\n}\nresource "x" "y" {', id="more blocks behind a line end"),
        pytest.param('aws_vpc.a["${file("/etc/passwd")}"]', id="template in a key"),
        pytest.param('aws_vpc.a["%{ for a in b }"]', id="directive in a key"),
        pytest.param('aws_vpc.a["x"]; id = "y"', id="something behind the key"),
        pytest.param("aws_vpc.a[count.index]", id="expression as an index"),
        pytest.param("aws_vpc.a[*]", id="splat"),
        pytest.param("aws_vpc.a /* */", id="comment"),
        pytest.param("data.aws_vpc.a", id="data source"),
        pytest.param("aws_vpc", id="type alone"),
        pytest.param("", id="nothing"),
        pytest.param("\u0430ws_vpc.a", id="letter of another alphabet"),
        pytest.param("aws_vpc." + "a" * 500, id="longer than an address may be"),
    ],
)
@pytest.mark.parametrize("make", [imported, forgotten])
def test_what_is_no_address_is_never_declared(make: Any, address: str) -> None:
    with pytest.raises(ValueError, match="is not the address"):
        block(make(address))


@pytest.mark.parametrize(
    ("address", "importable", "forgettable"),
    [
        ("aws_vpc.a", True, True),
        ("aws_vpc.a[0]", True, True),
        ('module.m["x"].aws_vpc.a', True, True),
        ("module.m.aws_vpc.a", True, True),
        ("module.m", False, True),
        ("module.m[0]", False, True),
        ("data.aws_vpc.a", False, False),
        ("module.m.data.aws_vpc.a", False, False),
    ],
)
def test_import_takes_one_resource_and_letting_go_a_module_too(
    address: str, *, importable: bool, forgettable: bool
) -> None:
    assert (is_resource_address(address), is_managed_address(address)) == (importable, forgettable)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_no_id_ends_its_text_or_is_evaluated(text: str) -> None:
    tokens = list(hcl_tokens(f"id = {hcl_string(text)}"))

    assert [token.kind for token in tokens[:2]] == ["word", "sign"]
    assert len(tokens) == 3
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", hcl_string(text))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("${x}", '"$${x}"'),
        ("$${x}", '"$$${x}"'),
        ("%{ if a }", '"%%{ if a }"'),
        ("100% of $5", '"100% of $5"'),
    ],
)
def test_the_signs_of_templates_are_text(text: str, written: str) -> None:
    assert hcl_string(text) == written


@pytest.mark.parametrize(
    ("address", "leaves_as"),
    [
        ('module.m["x y"].aws_vpc.a["b"]', "aws_vpc.gatewright_lets_go"),
        ("aws_vpc.a[0]", "aws_vpc.gatewright_lets_go"),
        ("module.m[0].module.n", "module.gatewright_lets_go"),
    ],
)
def test_an_instance_leaves_under_a_name_of_its_own(address: str, leaves_as: str) -> None:
    assert block(forgotten(address)) == (
        f"moved {{\n  from = {address}\n  to   = {leaves_as}\n}}\n\n"
        f"removed {{\n  from = {leaves_as}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
    )
    assert arguments_of(forgotten(address)) == (f"-target={address}", f"-target={leaves_as}")


def test_its_plan_is_limited_to_its_address() -> None:
    assert arguments_of(imported()) == ("-target=terraform_data.a",)
    assert arguments_of(forgotten("module.m")) == ("-target=module.m",)


@pytest.mark.parametrize(
    "operation",
    [
        imported(),
        imported('module.m["x y"].aws_vpc.a["it\'s"]', "an id with 'blanks'"),
        forgotten("module.legacy"),
    ],
    ids=lambda operation: operation.address,
)
@pytest.mark.parametrize("project", ["default", "network"])
def test_its_command_asks_for_the_same_again(operation: StateOperation, project: str) -> None:
    read = parse(command_of(operation, stack(project=project)), SPECS)

    name = "import" if operation.kind is OperationKind.IMPORT else "state rm"
    assert (read.name, read.env, read.address, read.object_id, read.project or "default") == (  # type: ignore[union-attr] # A problem has no such names, and the test fails.
        name,
        "staging",
        operation.address,
        operation.object_id,
        project,
    )


@pytest.mark.parametrize(
    ("operation", "found", "others"),
    [
        pytest.param(
            imported(), [resource("terraform_data.a", "no-op", importing=True)], (), id="plain import"
        ),
        pytest.param(
            imported(), [resource("terraform_data.a", "update", importing=True)], (), id="import that changes"
        ),
        pytest.param(
            imported(),
            [resource("terraform_data.a", "delete", "create", importing=True)],
            ("terraform_data.a (replace)",),
            id="import that replaces",
        ),
        pytest.param(
            imported(),
            [resource("terraform_data.a", "create")],
            ("terraform_data.a (add)",),
            id="no import at all",
        ),
        pytest.param(
            imported(),
            [resource("terraform_data.a", "no-op", importing=True), resource("terraform_data.net", "update")],
            ("terraform_data.net (change)",),
            id="what it depends on",
        ),
        pytest.param(
            imported(),
            [resource("terraform_data.b", "no-op", importing=True)],
            ("terraform_data.b (import)",),
            id="an import of the pull request's own",
        ),
        pytest.param(forgotten(), [resource("terraform_data.a", "forget")], (), id="letting go"),
        pytest.param(forgotten(), [resource("terraform_data.a[1]", "forget")], (), id="of each instance"),
        pytest.param(
            forgotten("module.m"), [resource("module.m[0].terraform_data.a", "forget")], (), id="of a module"
        ),
        pytest.param(
            forgotten(),
            [resource("terraform_data.ab", "forget")],
            ("terraform_data.ab (forget)",),
            id="of another",
        ),
        pytest.param(
            forgotten(),
            [resource("terraform_data.a", "delete")],
            ("terraform_data.a (destroy)",),
            id="destroying",
        ),
        pytest.param(
            forgotten('terraform_data.a["x"]'),
            [resource("terraform_data.gatewright_lets_go", "forget", before='terraform_data.a["x"]')],
            (),
            id="of one instance",
        ),
        pytest.param(
            forgotten('terraform_data.a["x"]'),
            [resource("terraform_data.gatewright_lets_go", "forget", before='terraform_data.a["y"]')],
            ("terraform_data.gatewright_lets_go (forget)",),
            id="of another instance",
        ),
        pytest.param(forgotten(), [resource("terraform_data.b", "no-op")], (), id="nothing happens"),
    ],
)
def test_whatever_it_would_do_besides_is_found(
    operation: StateOperation, found: list[dict[str, Any]], others: tuple[str, ...]
) -> None:
    assert orphaned_work(operation, {"resource_changes": found}) == others


def test_terraforms_own_words_stand_where_nobody_knows_better() -> None:
    assert hint(imported(), "Error: the network is down") is None
