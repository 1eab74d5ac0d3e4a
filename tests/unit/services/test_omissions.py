"""A failure that names files that are no inputs says which line of the policy makes them some."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.core.errors import TerraformError
from bot.policy import load_policy
from bot.ports import Merge, Slot
from bot.services.planning.omissions import explained, omissions, yaml_lines
from bot.services.runs.failures import describe
from bot.services.stacks.touched import MergedTree
from tests.fakes.records import builders

POLICY = """
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars}
  prod: {state_key: prod/terraform.tfstate, var_file: envs/prod.tfvars}
"""
FILES = ["terraform/main.tf", "shared/x.json", "envs/staging.tfvars", "envs/prod.tfvars", "gatewright.yaml"]
TREE = MergedTree(
    merge=Merge(tree="t" * 40, merge_base=builders.BASE, changed_files=()),
    files=dict.fromkeys(FILES, "blob"),
    module_calls={},
)
LOG = 'Invalid value for "path" parameter: no file exists at\n"/work/shared/x.json"; this function'


@pytest.mark.parametrize(
    ("more", "line"),
    [
        pytest.param(
            "",
            'projects:\n  - name: "default"\n    dir: "terraform"\n    when_modified: ["terraform/**", "shared/x.json"]',
            id="nothing is named yet",
        ),
        pytest.param(
            "projects: [{name: web, dir: ., when_modified: ['**/*.tf', '!**/*.json']}]",
            'projects:\n  - name: "web"\n    dir: "."\n    when_modified: ["**/*.tf", "!**/*.json", "shared/x.json"]',
            id="the project names some",
        ),
        pytest.param(
            "  test: {state_key: test.tfstate, when_modified: ['lib/**']}",
            'environments:\n  test:\n    when_modified: ["lib/**", "shared/x.json"]',
            id="the environment names some",
        ),
    ],
)
def test_the_line_keeps_what_the_policy_says_already(more: str, line: str) -> None:
    policy = load_policy(f"{POLICY}{more}\n")
    stack = policy.stacks("acme/infra")[-1 if "test:" in more else 0]

    shown = policy.with_patterns(stack, ["shared/x.json"])

    assert "\n".join(yaml_lines(shown)) == line


def test_with_that_line_the_file_is_an_input() -> None:
    policy = load_policy(POLICY)
    stack = policy.stack("acme/infra", "staging", "default")
    line = omissions(LOG, policy, stack, TREE, ("/work",))["when_modified"]

    mended = load_policy(f"{POLICY}{line}\n")

    assert omissions(LOG, mended, stack, TREE, ("/work",)) == {}


def test_a_var_file_of_another_environment_has_no_line() -> None:
    policy = load_policy(POLICY)
    stack = policy.stack("acme/infra", "staging", "default")

    assert omissions("open /work/envs/prod.tfvars: no such file", policy, stack, TREE, ("/work",)) == {
        "withheld": ["envs/prod.tfvars"]
    }


async def test_a_failed_run_carries_what_it_did_not_get(tmp_path: Path) -> None:
    policy = load_policy(POLICY)
    stack = policy.stack("acme/infra", "staging", "default")
    slot = Slot(name="0", tree=tmp_path, data_dir=tmp_path, scratch=tmp_path, lock_fd=0)

    with pytest.raises(TerraformError) as failure:
        async with explained(policy, stack, TREE, slot):
            raise TerraformError("terraform plan failed", log_tail=f"open {tmp_path}/shared/x.json: no such")

    assert describe(failure.value)["omitted"] == ["shared/x.json"]
