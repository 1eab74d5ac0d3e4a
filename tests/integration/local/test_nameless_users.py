"""`gatewright local` for users whose login is no name for a state, or who have none, as in a container."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.local.checkout import Checkout, Wanted
from bot.policy import load_policy

_LOOK = """
import os, sys
from pathlib import Path
from bot.domain.core.errors import GatewrightError
from bot.local.checkout import Checkout, Wanted
from bot.policy import load_policy
if os.getuid() == 0:
    os.setuid(54321)
checkout = Checkout(root=Path("/site"), policy=load_policy(sys.stdin.read()))
try:
    stacks = checkout.stacks(Wanted(env="dev", project=None, user=None, pull=None))
    print(*(stack.state_key for stack in stacks))
except GatewrightError as error:
    print(error)
"""
_POLICY = """
version: 1
terraform: {{engine: terraform, version: "1.11.4"}}
environments:
  dev: {{state_key: "{key}", trigger: local}}
"""


def test_name_unfit_for_state_keys_matters_only_where_needed(tmp_path: Path) -> None:
    policy = load_policy(_POLICY.format(key="dev/{user}.tfstate") + "  staging: {}\n")
    wanted = Wanted(env="staging", project=None, user="CORP\\ann", pull=None)

    [stack] = Checkout(root=tmp_path, policy=policy).stacks(wanted)

    assert stack.state_key == "staging/terraform.tfstate"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without a name")
@pytest.mark.parametrize(
    ("key", "said"),
    [
        pytest.param("dev/terraform.tfstate", "dev/terraform.tfstate", id="no name is needed"),
        pytest.param("dev/{user}/terraform.tfstate", "--user NAME", id="a name is needed"),
    ],
)
async def test_user_without_a_name_is_asked_where_needed(key: str, said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LOOK),
        cwd=Path(__file__).parents[3],
        env={},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate(_POLICY.format(key=key).encode())

    assert process.returncode == 0, told.decode()
    assert said in told.decode()
