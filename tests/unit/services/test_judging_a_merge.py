"""By which plan an apply that follows a merge is judged: by the one that the merge was compared with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.domain.core.accounts import Account
from bot.domain.core.model import (
    OperationKind,
    PlanId,
    PlanStatus,
    PullRequest,
    Repo,
    RunKind,
    Sha,
    StateIdentity,
    StateOperation,
)
from bot.domain.gates import OtherCheck, Outcome, shut
from bot.domain.gates.approvals import PathVerdict, Verdict
from bot.domain.gates.codeowners import Owner, parse
from bot.domain.plans.plan import PlanRecord
from bot.policy import RepoPolicy, load_policy
from bot.services.gates.facts import Question
from bot.services.gates.judging import Judged, Judging
from bot.services.merging.syncing import Compared, compare
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
    apply: {allow: write, gates: [checks, codeowners]}
    after_merge: apply
""")
TIP = builders.plan(id=PlanId("ptttttt2"), pull=None, head_sha=Sha("9" * 40), policy_digest=POLICY.digest)
MERGED = builders.plan(id=PlanId("pmmmmmm2"), status=PlanStatus.STALE)
APPROVED = builders.plan(id=PlanId("pfffffff"))
OTHER = "0" * 64
TARGETED = builders.plan(
    id=PlanId("paaaaaa2"),
    change_digest=OTHER,
    arguments=("-target=terraform_data.harmless",),
    status=PlanStatus.CANCELED,
)
BACK = builders.plan(
    id=PlanId("pbbbbbb2"), change_digest=OTHER, reverts_to=PlanId("pccccccc"), status=PlanStatus.CANCELED
)
IMPORT = builders.plan(
    id=PlanId("pddddddd"),
    change_digest=OTHER,
    operation=StateOperation(kind=OperationKind.IMPORT, address="a.b", object_id="1"),
)


@dataclass
class World:
    """A merged pull request with failed checks, whose owner has approved every plan but that of the merge."""

    plans_made: Sequence[PlanRecord]
    policy: RepoPolicy = POLICY
    asked: list[Account] = field(default_factory=list)
    """Whose permission was read."""

    @asynccontextmanager
    async def read(self) -> AsyncIterator[World]:
        yield self

    write = read

    async def plan(self, plan_id: PlanId) -> PlanRecord:
        assert plan_id == TIP.id
        return TIP

    async def plans(self, **_: object) -> Sequence[PlanRecord]:
        return self.plans_made

    async def nothing(self, *_: object, **__: object) -> Sequence[Any]:
        return []

    runs = holds = overrides = revert_opened_as = installed = nothing

    async def lock(self, _: object) -> None:
        return None

    async def subject(self, *_: object) -> tuple[Repo, PullRequest]:
        pull = builders.pull(state="closed", merged=True)
        return Repo(owner="acme", name="infra", installation_id=1), pull

    async def load(self, _: object) -> LoadedPolicy:
        return LoadedPolicy(policy=self.policy, commit=Sha("9" * 40))

    async def may_apply(self, _repo: Repo, _env: object, login: Account) -> bool:
        self.asked.append(login)
        return login.login == "dev"

    async def gather(self, question: Question) -> dict[str, Any]:
        approved = None if question.plan.id in {MERGED.id, TIP.id} else account("owner")
        path = PathVerdict(path="terraform/", owners=_owners(), approved_by=approved)
        return {
            "unreadable": {},
            "approvals": Verdict(paths=(path,)),
            "checks": [OtherCheck(name="lint", outcome=Outcome.FAIL, state="failure")],
        }

    def now(self) -> Any:
        return builders.NOON

    async def judged(self, merger: str = "dev") -> Judged:
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
        return await judging.before_apply(
            builders.run(kind=RunKind.SYNC, plan_id=TIP.id, actor=account(merger))
        )


class _States:
    async def read(self, _: object) -> tuple[StateIdentity, None]:
        return StateIdentity(serial=4, lineage=TIP.state_lineage, sha256="1" * 64), None


def _owners() -> tuple[Owner, ...]:
    return parse("* @owner\n").owners("terraform/main.tf")


@pytest.mark.parametrize(
    "newer",
    [
        pytest.param((), id="nothing came after it"),
        pytest.param((TARGETED,), id="a plan of a part was approved and dropped"),
        pytest.param((BACK,), id="the way back was planned and dropped"),
        pytest.param((IMPORT, BACK, TARGETED), id="and something was to be imported"),
    ],
)
async def test_dropped_plan_lends_approval_and_waivers_to_no_merge(
    newer: tuple[PlanRecord, ...],
) -> None:
    plans = [*newer, MERGED]
    assert compare(TIP, POLICY.environment("staging"), reviewed=plans, last=None) is Compared.APPLIED

    judged = await World(plans).judged()

    assert [gate.gate for gate in shut(judged.results)] == ["checks", "codeowners"]


@pytest.mark.parametrize("status", [PlanStatus.PLANNED, PlanStatus.STALE])
def test_a_merge_applies_nothing_by_itself_over_a_way_back(status: PlanStatus) -> None:
    back = builders.plan(reverts_to=PlanId("pccccccc"), change_digest=TIP.change_digest, status=status)

    found = compare(TIP, POLICY.environment("staging"), reviewed=[back, MERGED], last=None)

    assert found is Compared.DIFFERS


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param({"inputs_digest": OTHER}, id="a provisioner was changed by the last push"),
        pytest.param({"var_file_digest": OTHER}, id="the var file was"),
        pytest.param({"fetched_digest": f"1:{OTHER}"}, id="a module has moved meanwhile"),
        pytest.param({"fetched_digest": None}, id="an older version does not say what was fetched"),
    ],
)
async def test_a_merge_applies_no_code_that_nobody_saw_planned(
    seen: dict[str, Any],
) -> None:
    before = replace(APPROVED, **seen)
    found = compare(TIP, POLICY.environment("staging"), reviewed=[before], last=None)
    judged = await World([before]).judged()

    assert found is Compared.DIFFERS
    assert [gate.gate for gate in shut(judged.results)] == ["checks", "codeowners"]


async def test_merge_into_base_that_moved_elsewhere_applies_what_was_reviewed() -> None:
    before = replace(APPROVED, base_sha=Sha("7" * 40), merge_tree="6" * 40)
    found = compare(TIP, POLICY.environment("staging"), reviewed=[before], last=None)
    judged = await World([before]).judged()

    assert found is Compared.APPLIED
    assert [gate.gate for gate in shut(judged.results)] == ["checks"]


@pytest.mark.parametrize("merger", ["github-merge-queue[bot]", "mergify[bot]", "reader", "ghost", "dev"])
async def test_whoever_merges_is_not_asked_for_what_was_reviewed(merger: str) -> None:
    world = World([APPROVED])

    judged = await world.judged(merger)

    assert world.asked == []
    [permission] = [result for result in judged.results if result.gate == "permission"]
    assert (permission.outcome, "was reviewed" in permission.sentence) == (Outcome.PASS, True)


async def test_a_merge_applies_nothing_where_the_policy_lets_nobody_apply() -> None:
    text = """
version: 1
terraform: {version: "1.11.4"}
environments:
  staging: {state_key: staging/terraform.tfstate, var_file: envs/staging.tfvars, after_merge: apply}
"""
    judged = await World([APPROVED], policy=load_policy(text)).judged("mergify[bot]")

    assert "permission" in [gate.gate for gate in shut(judged.results)]


async def test_what_was_not_reviewed_needs_the_permission_of_the_merger() -> None:
    world = World([replace(APPROVED, change_digest=OTHER)])

    judged = await world.judged("mergify[bot]")

    assert [each.login for each in world.asked] == ["mergify[bot]"]
    assert "permission" in [gate.gate for gate in shut(judged.results)]
