"""What a saved plan is made of: everything that Terraform reads, and nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.terraform.saved_plan import Origin, checked
from bot.domain.core.errors import TreeChangedError, UnsafeTreeError
from tests.integration.terraform.bench import ONE_RESOURCE, Bench

CALLS = """
module "inner" {
  source = "./inner"
}
module "shared" {
  source = "../shared"
}
"""
LOCALS = "locals {}\n"


async def test_code_of_every_kind_is_planned_and_applied(bench: Bench) -> None:
    # Given modules within and beside, links, overrides, JSON, odd bytes, and files that are ignored,
    bench.write(
        {
            "terraform/main.tf": f"\ufeff{ONE_RESOURCE}\r\n",
            "terraform/calls.tf": CALLS,
            "terraform/more.tf.json": '{"locals": {"more": 1}}',
            "terraform/one_override.tf": LOCALS,
            "terraform/.hidden.tf": "nonsense",
            "terraform/old.tf~": "nonsense",
            "terraform/new.tofu": "nonsense",
            "terraform/test.tftest.hcl": "",
            "terraform/inner/deep/main.tf": LOCALS,
            "terraform/inner/main.tf": 'module "deep" {\n  source = "./deep"\n}\n',
            "shared/main.tf": LOCALS,
        }
    )
    (bench.slot.tree / "terraform/linked.tf").symlink_to("../shared/main.tf")

    # and values of every kind from everywhere,
    bench.write(
        {
            "terraform/values.tf": "\n".join(f'variable "{name}" {{}}' for name in "abcdef")
            + '\nvariable "size_of" {\n  type = number\n}\nvariable "names" {\n  type = list(string)\n}\n',
            "terraform/terraform.tfvars": "a = 1\nb = 1\n",
            "terraform/x.auto.tfvars.json": '{"b": {"c": 2}}',
            "values.tfvars": 'c = [{\n  d = "no variable"\n}]\nf = null\nunknown = 3\n',
        }
    )
    environment = {
        f"TF_VAR_{name}": value
        for name, value in {
            "a": "other",
            "d": '"of\nthe environment ü"',
            "e": "",
            "size_of": "007",
            "names": '["x"]',
            "undeclared": "1",
        }.items()
    }
    changes: dict[str, Any] = {"var_file": "values.tfvars", "environment": environment}

    # when it is planned, and planned once more without init,
    await bench.plan(**changes)
    plan = await bench.plan(**changes)

    # then it is what was to be planned, and can be applied.
    assert (await bench.apply(plan, **changes)).exit_code == 0


async def test_module_that_is_path_of_machine_is_refused_by_name(bench: Bench) -> None:
    bench.write({"terraform/main.tf": 'module "far" {\n  source = "/usr/share"\n}\n'})

    with pytest.raises(TreeChangedError, match="module `far`: its code lies neither in the repository"):
        await bench.plan()


NOTHING = Origin(files={}, shadowed=frozenset(), directories={}, backend={}, variables={})


def nested() -> bytes:
    """Return a plan whose backend's settings are lists in lists."""
    packed = b"\x91" * 5000
    config = b"\x0a" + varint(len(packed)) + packed
    backend = b"\x0a\x02s3\x12" + varint(len(config)) + config + b"\x1a\x07default"
    return b"\x6a" + varint(len(backend)) + backend


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7])


def archive(path: Path, plan: bytes, *, says: int | None = None) -> None:
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("tfconfig/modules.json", "[]")
        written.writestr("tfplan", plan)
    content = bytearray(path.read_bytes())
    if says is not None:
        place = content.rfind(b"PK\x01\x02") + 24
        content[place : place + 4] = says.to_bytes(4, "little")
    path.write_bytes(content)


def twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("tfconfig/modules.json", "[]")
        written.writestr("tfplan", "")
        written.writestr("other!", "")
    path.write_bytes(path.read_bytes().replace(b"other!", b"tfplan"))


ODD: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.write_bytes(b""),
    "no archive": lambda path: path.write_bytes(b"text" * 100),
    "an end and no more": lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)),
    "a giant table of contents": lambda path: path.write_bytes(
        bytes(100) + b"PK\x05\x06" + bytes(4) + b"\x05\0\x05\0" + b"\xff\xff\xff\x7f" + bytes(6)
    ),
    "a name twice": twice,
    "an empty plan": lambda path: archive(path, b""),
    "a field without an end": lambda path: archive(path, b"\x6a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    "a field that is too long": lambda path: archive(path, b"\x6a\xff\x7f"),
    "settings that are nested without end": lambda path: archive(path, nested()),
    "more than fits anywhere": lambda path: archive(path, b"", says=0x7FFFFFFF),
}


@pytest.mark.parametrize("write", ODD.values(), ids=ODD)
def test_what_is_no_plan_is_refused_without_harm(tmp_path: Path, write: Callable[[Path], object]) -> None:
    path = tmp_path / "plan.tfplan"
    write(path)

    with pytest.raises(UnsafeTreeError, match="the saved plan"):
        checked(path, NOTHING)


async def test_a_var_file_that_is_a_link_gives_its_values(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE, "shared/size.tfvars": "size = 5\n"})
    (bench.slot.tree / "terraform" / "size.auto.tfvars").symlink_to("../shared/size.tfvars")

    plan = await bench.plan()

    assert plan.json["variables"]["size"]["value"] == 5
