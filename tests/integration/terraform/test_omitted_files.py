"""Terraform's own words for a file that is no input lead to the line that the policy lacks."""

from __future__ import annotations

import pytest

from bot.domain.core.errors import TerraformError
from bot.domain.hcl.module_calls import local_module_calls
from bot.policy import load_policy
from bot.ports import Merge
from bot.services.planning.omissions import explained
from bot.services.stacks.touched import MergedTree, input_tree
from tests.fakes.records import builders
from tests.integration.terraform.bench import Bench

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars}
  prod: {state_key: prod/terraform.tfstate, var_file: envs/prod.tfvars}
""")
STACK = POLICY.stack("acme/infra", "staging", "default")
ELSEWHERE = {
    "shared/x.json": '{"greeting": "hello"}\n',
    "shared/a directory/with a very long name that makes Terraform break the line/x.json": "{}\n",
    "scripts/words.sh": "echo '{}'\n",
    "envs/prod.tfvars": 'greeting = "hello"\n',
}


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        pytest.param(
            'file("${dirname(abspath(path.root))}/shared/x.json")',
            {"omitted": ["shared/x.json"]},
            id="absolute",
        ),
        pytest.param(
            'file(join("/", ["..", "shared", "x.json"]))', {"omitted": ["shared/x.json"]}, id="joined"
        ),
        pytest.param(
            'templatefile(format("%s/../shared/%s", path.module, "x.json"), {})',
            {"omitted": ["shared/x.json"]},
            id="below the module",
        ),
        pytest.param(
            'filemd5(join("/", ["..", "shared", "a directory",'
            ' "with a very long name that makes Terraform break the line", "x.json"]))',
            {
                "omitted": [
                    "shared/a directory/with a very long name that makes Terraform break the line/x.json"
                ]
            },
            id="with blanks",
        ),
        pytest.param(
            'file(join("/", ["..", "envs", "prod.tfvars"]))',
            {"withheld": ["envs/prod.tfvars"]},
            id="a var file of another environment",
        ),
    ],
)
async def test_a_computed_path_is_named_by_the_error(
    bench: Bench, expression: str, detail: dict[str, list[str]]
) -> None:
    files = {**ELSEWHERE, "terraform/main.tf": f'output "read" {{\n  value = {expression}\n}}\n'}
    tree = MergedTree(
        merge=Merge(tree="t" * 40, merge_base=builders.BASE, changed_files=()),
        files=files,
        module_calls=local_module_calls(files),
    )
    bench.write({path: files[path] for path in input_tree(POLICY, STACK, tree)})

    with pytest.raises(TerraformError) as failure:
        async with explained(POLICY, STACK, tree, bench.slot):
            await bench.plan()

    found = {name: value for name, value in failure.value.omitted.items() if name != "when_modified"}
    assert found == detail, failure.value.log_tail
