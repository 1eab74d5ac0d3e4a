"""What a module reads from elsewhere in the repository is an input of the stacks that it is part of."""

from __future__ import annotations

import pytest

from bot.domain.core.model import EnvName, ProjectName, Stack, StateKey
from bot.domain.trees.links import Followed
from bot.domain.trees.selection import PolicyPart, local_module_calls, stack_inputs_digest, touched

STACK = Stack(
    repo="acme/infra",
    project=ProjectName("default"),
    env=EnvName("prod"),
    state_key=StateKey("prod/terraform.tfstate"),
    directory="live/app",
    var_file=None,
)
PART = PolicyPart(canonical="terraform 1.11.4", var_files=frozenset())
FILES = {
    "live/app/main.tf": "1",
    "shared/policies/admin.json": "2",
    "modules/net/main.tf": "3",
    "docs/x.md": "4",
}


def is_input(path: str, code: dict[str, str]) -> bool:
    """Whether a change of the file starts a plan; it must make another release then, and else none."""
    calls = local_module_calls(code)
    starts = touched([STACK], [path], calls, {}) == (STACK,)
    before = stack_inputs_digest(Followed(files=FILES), STACK, calls, PART)
    after = stack_inputs_digest(Followed(files={**FILES, path: "9"}), STACK, calls, PART)
    assert (before != after) is starts
    return starts


@pytest.mark.parametrize(
    "code",
    [
        'policy = file("../../shared/policies/admin.json")',
        'policy = file("${path.module}/../../shared/policies/admin.json")',
        'policy = file("${path.root}/./../../shared/policies/admin.json")',
        'policy = file("${path.module}/sub/../../../shared/policies/admin.json")',
        'policy = templatefile("${path.module}/../../shared/policies/${var.role}.json", {})',
        'policy = [for f in fileset("${path.module}/../../shared", "**/*.json") : f]',
        'source_dir = "../../shared"',
        'found = fileset("../..", "shared/policies/*.json")',
        'working_dir = "../../"',
        'text = "${jsonencode(file("../../shared/policies/admin.json"))}"',
        'command = "python3 ../../shared/policies/admin.json --all"',
        "script = <<-EOT\n  cat ../../shared/policies/admin.json\nEOT",
        'root = "${path.module}/../.."',
    ],
)
def test_file_that_the_code_reads_from_elsewhere_is_an_input(code: str) -> None:
    assert is_input("shared/policies/admin.json", {"live/app/main.tf": f"locals {{\n  {code}\n}}\n"})


def test_so_is_what_a_called_module_reads() -> None:
    code = {
        "live/app/main.tf": 'module "net" {\n  source = "../../modules/net"\n}\n',
        "modules/net/main.tf": 'locals {\n  p = file("${path.module}/../../shared/policies/admin.json")\n}\n',
    }

    assert is_input("shared/policies/admin.json", code)
    assert not is_input("docs/x.md", code)


def test_so_is_what_code_in_json_reads() -> None:
    code = {
        "live/app/main.tf.json": '{"locals": {"p": ["${file(\\"../../shared/policies/admin.json\\")}"]}}',
    }

    assert is_input("shared/policies/admin.json", code)


@pytest.mark.parametrize(
    "code",
    [
        "# see ../../docs/x.md",
        'ok = !strcontains(var.path, "..") && !strcontains("${var.path}/", "/../")',
        'ok = !startswith(var.path, "../") && var.path != ".." && !endswith(var.path, "/..")',
        'url = "https://example.com/../../docs/x.md"',
        'pattern = "^[a-z]..$"',
        'said = "1..10"',
        'outside = "../../../docs/x.md"',
        'own = file("${path.module}/docs/x.md")',
        'policy = file("${path.module}/../../shared/policies/admin.json")',
        'policy = file("${path.module}/../../shared/policies/${var.role}.json")',
    ],
)
def test_what_is_not_read_is_no_input(code: str) -> None:
    assert not is_input("docs/x.md", {"live/app/main.tf": f"locals {{\n  {code}\n}}\n"})
