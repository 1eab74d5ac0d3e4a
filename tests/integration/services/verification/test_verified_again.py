"""A release that a plan finds in place is verified again where it is not the one that was."""

from __future__ import annotations

import pytest

from bot.adapters.database import Database
from bot.domain.core.model import PlanId, RunId, RunKind
from bot.policy import load_policy
from bot.services.verification.verifying import queue_verification
from tests.fakes.records.releases import a_release, a_verification
from tests.fakes.records.rows import NOW, STAGING, a_run

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate}
  prod: {state_key: prod/terraform.tfstate, apply: {allow: write, gates: [promoted], from: staging}}
""")
FETCHED = a_release().fetched_digest


@pytest.mark.parametrize(
    ("before", "queued"),
    [
        pytest.param(FETCHED, 0, id="the same"),
        pytest.param(None, 1, id="recorded by an older version"),
        pytest.param(f"1:{'0' * 64}", 1, id="other modules or providers"),
    ],
)
async def test_the_same_inputs_are_verified_again_with_other_modules(
    records: Database, before: str | None, queued: int
) -> None:
    async with records.write() as writer:
        await writer.add_run(a_run("run-1"), NOW)
        await writer.add_run(a_run("run-2"), NOW)
        await writer.add_release(a_release(fetched_digest=before))
        await writer.add_verification(a_verification(policy_digest=POLICY.digest))
        planning = await writer.run(RunId("run-2"))
    assert planning is not None
    found = a_release("p3333333", run_id=planning.id, changed=False)

    async with records.write() as writer:
        await writer.add_release(found)
        await queue_verification(writer, planning, found, POLICY, NOW)

    async with records.read() as reader:
        runs = await reader.runs(state_key=STAGING.state_key, kinds=(RunKind.VERIFY,))
    assert [run.plan_id for run in runs] == [PlanId("p3333333")] * queued
