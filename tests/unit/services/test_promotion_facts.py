"""Which releases and verifications of the environment before count for a promotion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from bot.domain.core.model import PlanId, Repo, RunId, Sha, Stack, StateIdentity
from bot.domain.gates import Outcome, Promotion
from bot.domain.gates.promotion import promoted
from bot.domain.releases.release import Release, Verification
from bot.policy import load_policy
from bot.services.gates.facts import GateFacts, Question
from bot.services.stacks.policies import LoadedPolicy
from tests.fakes.records import builders
from tests.unit.domain.gates.promotion_facts import RELEASE, VERIFIED, facts

POLICY = load_policy("""
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars, apply: {allow: write}}
  prod:
    state_key: prod/terraform.tfstate
    var_file: envs/prod.tfvars
    apply: {allow: write, gates: [promoted], from: staging}
""")
PLAN = builders.plan(stack=builders.stack("prod"), policy_digest=POLICY.digest)
WHOLE = replace(RELEASE, plan_id=PlanId("pwhole22"), state_serial=8)
PART = replace(
    RELEASE, plan_id=PlanId("ppartial"), arguments=("-target=terraform_data.harmless",), state_serial=9
)
OF_PART = replace(VERIFIED, release=PART.plan_id, policy_digest=POLICY.digest)
OF_WHOLE = replace(VERIFIED, release=WHOLE.plan_id, policy_digest=POLICY.digest, state_serial=8)


@dataclass
class Staging:
    """What is on record of staging, newest first."""

    made: Sequence[Release]
    verified: Sequence[Verification]

    @asynccontextmanager
    async def read_all(self) -> AsyncIterator[Staging]:
        yield self

    async def releases(
        self, stack: Stack, *, inputs_digest: str | None = None, limit: int = 50
    ) -> Sequence[Release]:
        assert stack.env == "staging"
        return [each for each in self.made if inputs_digest in {None, each.inputs_digest}][:limit]

    async def verifications(self, stack: Stack, *, limit: int = 50) -> Sequence[Verification]:
        assert stack.env == "staging"
        return self.verified[:limit]

    async def read(self, _: object) -> tuple[StateIdentity, None]:
        return StateIdentity(serial=self.made[0].state_serial, lineage="staging", sha256="2" * 64), None

    async def found(self) -> Promotion:
        gathering = GateFacts(
            github=cast("Any", None),
            records=cast("Any", _Records(self)),
            states=cast("Any", self),
            trees=cast("Any", None),
            ownership=cast("Any", None),
        )
        question = Question(
            repo=Repo(owner="acme", name="infra", installation_id=1),
            pull=builders.pull(),
            plan=PLAN,
            loaded=LoadedPolicy(policy=POLICY, commit=Sha("9" * 40)),
        )
        found: Promotion = (await gathering.gather(question))["promotion"]
        return found


@dataclass
class _Records:
    staging: Staging

    def read(self) -> Any:
        return self.staging.read_all()


async def test_part_of_a_release_applied_and_verified_promotes_nothing() -> None:
    found = await Staging([PART], [OF_PART]).found()

    result = promoted(replace(facts(), plan=PLAN, promotion=found, policy_digest=POLICY.digest))

    assert result.outcome is Outcome.FAIL
    assert "only a part of this release (plan ppartial, `-target=terraform_data.harmless`)" in result.sentence
    assert result.opens_with == "/plan staging"


async def test_a_part_applied_after_the_whole_takes_its_verification_back() -> None:
    revoked = replace(OF_WHOLE, revoked_at=builders.NOON, revoked_why="plan ppartial was applied")
    found = await Staging([PART, WHOLE], [OF_PART, revoked]).found()

    result = promoted(replace(facts(), plan=PLAN, promotion=found, policy_digest=POLICY.digest))

    assert result.outcome is Outcome.FAIL
    assert result.opens_with == "/plan staging"
    assert found.verification == revoked


async def test_whole_seen_in_place_after_a_part_opens_the_gate() -> None:
    seen = replace(WHOLE, plan_id=PlanId("pseen222"), changed=False, state_serial=9)
    of_seen = replace(OF_PART, release=seen.plan_id, verified_at=builders.NOON - timedelta(hours=5))
    found = await Staging([seen, PART], [of_seen, OF_PART]).found()

    result = promoted(replace(facts(), plan=PLAN, promotion=found, policy_digest=POLICY.digest))

    assert result.outcome is Outcome.PASS, result.sentence


async def test_the_same_code_with_other_modules_promotes_nothing() -> None:
    other = replace(WHOLE, fetched_digest=f"1:{'0' * 64}")
    found = await Staging([other], [OF_WHOLE]).found()

    result = promoted(replace(facts(), plan=PLAN, promotion=found, policy_digest=POLICY.digest))

    assert result.outcome is Outcome.FAIL
    assert "fetched differ from those of staging (plan pwhole22)" in result.sentence
    assert found.verification is None


async def test_release_of_an_older_version_promotes_nothing_until_planned_again() -> None:
    old = replace(WHOLE, fetched_digest=None)
    before = await Staging([old], [OF_WHOLE]).found()
    seen = replace(WHOLE, plan_id=PlanId("pseen222"), changed=False)
    of_seen = replace(OF_WHOLE, run_id=RunId("rseen22"), release=seen.plan_id)
    after = await Staging([seen, old], [of_seen, OF_WHOLE]).found()

    results = [
        promoted(replace(facts(), plan=PLAN, promotion=found, policy_digest=POLICY.digest))
        for found in (before, after)
    ]

    assert [result.outcome for result in results] == [Outcome.FAIL, Outcome.PASS]
    assert results[0].opens_with == "/plan staging"
    assert "`/plan staging` without changes verifies it again" in results[0].sentence
