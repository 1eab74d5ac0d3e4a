"""What is declared for one plan alone, on the real program: an instance leaves its state, and nothing else happens."""

from __future__ import annotations

import json

import pytest

from bot.domain.core.errors import TerraformError, UnsafeTreeError
from bot.domain.core.model import OperationKind, StateOperation
from bot.domain.state.operations import OPERATION_FILE, arguments_of, block, hint, orphaned_work
from tests.integration.terraform.bench import STATE_KEY, Bench
from tests.integration.terraform.state_server import BUCKET, StateServer

_TWO = """
resource "terraform_data" "each" {
  for_each = toset([%s])
  input    = each.key
}
resource "terraform_data" "other" {
  input = "%s"
}
"""
LEAVES = StateOperation(kind=OperationKind.FORGET, address='terraform_data.each["a"]')


def keys(state: StateServer) -> list[str]:
    """Return the addresses in the state, sorted."""
    found = json.loads(state.client.get_object(Bucket=BUCKET, Key=STATE_KEY)["Body"].read())
    return sorted(
        f"{resource['name']} {instance.get('index_key', '')}".strip()
        for resource in found["resources"]
        for instance in resource["instances"]
    )


async def test_one_instance_leaves_the_state_once_out_of_the_code(
    open_bench: Bench, state: StateServer
) -> None:
    open_bench.write({"terraform/main.tf": _TWO % ('"a", "b"', "one")})
    await open_bench.apply(await open_bench.plan())

    with pytest.raises(TerraformError) as refused:
        await open_bench.plan(arguments_of(LEAVES), declaration=block(LEAVES))
    (open_bench.slot.tree / "terraform" / OPERATION_FILE).unlink()
    open_bench.write({"terraform/main.tf": _TWO % ('"b"', "two")})
    plan = await open_bench.plan(arguments_of(LEAVES), declaration=block(LEAVES))
    applied = await open_bench.apply(plan)

    assert "still in the code" in (hint(LEAVES, refused.value.log_tail) or "")
    assert orphaned_work(LEAVES, plan.json) == ()
    assert applied.exit_code == 0
    assert keys(state) == ["each b", "other"]


async def test_file_of_that_name_in_the_tree_is_not_ours(open_bench: Bench) -> None:
    open_bench.write({f"terraform/{OPERATION_FILE}": "", "terraform/main.tf": _TWO % ("", "one")})

    with pytest.raises(UnsafeTreeError, match="reserved"):
        await open_bench.plan(declaration=block(LEAVES))
