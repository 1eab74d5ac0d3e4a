"""Which holds two owners can open with `/override`: those that they knew, and never the operator's stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.domain.core.model import EnvName, ProjectName, Repo, Sha, StateIdentity
from bot.domain.gates import shut
from bot.domain.gates.freezes import Hold, HoldCause
from bot.domain.gates.overrides import Override
from bot.policy import load_policy
from bot.services.gates.judging import Judging
from bot.services.stacks.policies import LoadedPolicy
from tests.fakes.accounts import account
from tests.fakes.records import builders

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging:
    state_key: staging/terraform.tfstate
    var_file: envs/staging.tfvars
    apply: {allow: write}
""")
PLAN = builders.plan(policy_digest=POLICY.digest)
CONFIRMED = PLAN.created_at + timedelta(minutes=5)
BEFORE, AFTER = CONFIRMED - timedelta(minutes=1), CONFIRMED + timedelta(minutes=1)
STOP = builders.hold(repo=None, env=None, pull=None, cause=HoldCause.STOP, since=BEFORE)
OPENED = Override(
    repo=PLAN.stack.repo,
    pull=7,
    project=ProjectName("default"),
    env=EnvName("staging"),
    gate="hold",
    reason="the customer waits",
    asked_by=account("owner"),
    asked_at=BEFORE,
    expires_at=CONFIRMED + timedelta(hours=1),
    confirmed_by=account("owner2"),
    confirmed_at=CONFIRMED,
    number=1,
)


@dataclass
class World:
    """A plan that nothing but holds keeps back, two minutes after two owners have opened the gate `hold`."""

    in_force: Sequence[Hold]

    @asynccontextmanager
    async def read(self) -> AsyncIterator[World]:
        yield self

    write = read

    async def holds(self, **_: object) -> Sequence[Hold]:
        return self.in_force

    async def overrides(self, **_: object) -> Sequence[Override]:
        return [OPENED]

    async def revert_opened_as(self, *_: object) -> Sequence[Any]:
        return []

    async def lock(self, _: object) -> None:
        return None

    async def may_apply(self, *_: object, **__: object) -> bool:
        return True

    async def gather(self, _: object) -> dict[str, Any]:
        return {"unreadable": {}}

    def now(self) -> Any:
        return CONFIRMED + timedelta(minutes=2)

    async def shut(self) -> list[str]:
        given = cast("Any", self)
        judging = Judging(
            records=given,
            github=given,
            policies=given,
            access=given,
            states=cast("Any", _States()),
            gate_facts=given,
            people=given,
            terraform=given,
            clock=given,
        )
        repo = Repo(owner="acme", name="infra", installation_id=1)
        loaded = LoadedPolicy(policy=POLICY, commit=Sha("9" * 40))
        pull = builders.pull(head_sha=PLAN.head_sha)
        return [gate.gate for gate in shut(await judging.judge(repo, pull, loaded, PLAN, account("dev")))]


class _States:
    async def read(self, _: object) -> tuple[StateIdentity, None]:
        return StateIdentity(serial=PLAN.state_serial, lineage=PLAN.state_lineage, sha256="1" * 64), None


@pytest.mark.parametrize(
    ("holds", "keeps"),
    [
        pytest.param((builders.hold(since=BEFORE),), [], id="the hold that they knew"),
        pytest.param((builders.hold(since=AFTER),), ["hold"], id="a hold of later"),
        pytest.param(
            (builders.hold(since=BEFORE), builders.hold(since=AFTER)), ["hold"], id="one of later as well"
        ),
        pytest.param((STOP,), ["hold"], id="the operator's stop"),
        pytest.param((builders.hold(since=BEFORE), STOP), ["hold"], id="the stop beside a hold"),
        pytest.param((replace(STOP, since=AFTER),), ["hold"], id="a stop of later"),
    ],
)
async def test_two_owners_open_holds_that_they_knew_and_no_stop(
    holds: Sequence[Hold], keeps: list[str]
) -> None:
    assert await World(holds).shut() == keeps
